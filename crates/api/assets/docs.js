// Starts Swagger UI. Whatever id an answer shows is filled in where a later request asks for one of its
// kind, so that an order, its prediction and its result are reached without copying anything; what somebody
// has typed stays.
"use strict";

window.addEventListener("load", () => {
  const collectionOf = (path) => /^\/api\/v1\/(?:admin\/)?([a-z-]+)/.exec(path)?.[1];

  const fillIn = (collection, name, id) => {
    const paths = window.ui.specSelectors.specJson().toJS().paths ?? {};
    for (const [path, operations] of Object.entries(paths)) {
      if (collectionOf(path) !== collection || !path.includes(`{${name}}`)) continue;
      for (const method of Object.keys(operations)) {
        window.ui.specActions.changeParam([path, method], name, "path", id);
      }
    }
  };

  // An answer is one thing, or a list with the newest first.
  const learnFrom = (response) => {
    const seen = response.obj;
    if (!response.ok || seen === null || typeof seen !== "object") return response;
    const first = Array.isArray(seen.data) ? seen.data[0] : seen;
    const path = new URL(response.url, window.location).pathname;
    // Only what lists or shows things of a collection tells their ids: `/models/{id}/versions` lists others.
    const isOfCollection = /^\/api\/v1\/(?:admin\/)?[a-z-]+(?:\/[0-9a-f-]{36})?$/.test(path);
    if (isOfCollection && first?.id) fillIn(collectionOf(path), "id", first.id);
    if (/^\/api\/v1\/models\/[0-9a-f-]{36}\/versions$/.test(path) && first?.id) fillIn("models", "version_id", first.id);
    if (first?.order_id) fillIn("orders", "id", first.order_id);
    return response;
  };

  window.ui = SwaggerUIBundle({
    dom_id: "#swagger-ui",
    url: "/api/openapi.json",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    validatorUrl: "none",
    layout: "StandaloneLayout",
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [SwaggerUIBundle.plugins.DownloadUrl],
    responseInterceptor: learnFrom,
  });
});
