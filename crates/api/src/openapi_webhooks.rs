//! What the OpenAPI document says of the requests that this server makes: its section `webhooks`. It is made of
//! the very events that are sent, so that it says what they hold.

use chrono::{DateTime, Utc};
use platform::webhooks::{Event, EventType};
use serde_json::Value;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Paths, PathsBuilder, RefOr, Required, ResponseBuilder};

/// One request for each kind of event.
pub fn webhooks() -> Paths {
    let moment = DateTime::from_timestamp(1_785_000_000, 0).unwrap_or_default();
    let events = Event::examples().into_iter();
    events
        .fold(PathsBuilder::new(), |paths, event| paths.path(event.kind().as_str(), item(&event, moment)))
        .build()
}

fn item(event: &Event, moment: DateTime<Utc>) -> PathItem {
    let example: Value =
        event.payload(moment).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let content = ContentBuilder::new().schema(Some(schema_of(&example))).example(Some(example)).build();
    let headers = [
        ("webhook-id", "The event's id: the same each time that it is sent"),
        ("webhook-timestamp", "When this attempt was made, in seconds since 1970"),
        ("webhook-signature", "`v1,` and base64, one for each secret, with spaces between"),
    ];
    let operation = headers.into_iter().fold(OperationBuilder::new(), |operation, (name, description)| {
        let text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build();
        let header = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(text));
        operation.parameter(header)
    });
    let operation = operation
        .operation_id(Some(event.kind().as_str()))
        .tag("Webhooks")
        .summary(Some(summary(event.kind())))
        .request_body(Some(RequestBodyBuilder::new().content("application/json", content).build()))
        .response("2XX", ResponseBuilder::new().description("It was taken. Anything else is tried again."))
        .response(
            "410",
            ResponseBuilder::new().description("Nothing more is wanted: the webhook is disabled."),
        )
        .build();
    PathItem::new(HttpMethod::Post, operation)
}

fn summary(kind: EventType) -> &'static str {
    match kind {
        EventType::PredictionSucceeded => "A result can be downloaded",
        EventType::PredictionFailed => "A prediction failed, and its order was refunded",
        EventType::TrainingSucceeded => "A training has made a version of a model",
        EventType::TrainingFailed => "A training failed, and its order was refunded",
        EventType::DriftDetected => {
            "Customers, probabilities or outcomes have moved away from the training's"
        }
        EventType::VersionPromoted => "A version of a model came to a stage",
        EventType::BalanceLow => "A debit took the balance below the threshold",
        EventType::ResultExpiring => "A result is erased within a day",
        EventType::Test => "A test",
    }
}

/// The schema that an example shows. What is null in it may be an id.
fn schema_of(example: &Value) -> RefOr<Schema> {
    let typed = |kind| ObjectBuilder::new().schema_type(SchemaType::Type(kind));
    let object = match example {
        Value::Object(members) => members.iter().fold(typed(Type::Object), |object, (name, member)| {
            object.property(name, schema_of(member)).required(name)
        }),
        Value::Null => ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null])),
        Value::Bool(_) => typed(Type::Boolean),
        Value::Number(number) if number.is_f64() => typed(Type::Number),
        Value::Number(_) => typed(Type::Integer),
        Value::String(text) => typed(Type::String).format(format_of(text)),
        Value::Array(_) => typed(Type::Array),
    };
    RefOr::T(Schema::Object(object.build()))
}

fn format_of(text: &str) -> Option<SchemaFormat> {
    if text.parse::<uuid::Uuid>().is_ok() {
        return Some(SchemaFormat::KnownFormat(KnownFormat::Uuid));
    }
    DateTime::parse_from_rfc3339(text).ok().map(|_| SchemaFormat::KnownFormat(KnownFormat::DateTime))
}
