//! The OpenAPI document as a source of requests: every operation with a body that it takes, so that a test can be
//! made for routes that were added after it was written.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::installation::Installation;

/// One operation of the document.
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path, with `{id}` where an id belongs.
    pub path: String,
    /// Its query parameters: name and schema.
    pub query: Vec<(String, Value)>,
    /// The schema of its JSON body, where it takes one.
    pub json: Option<Value>,
    /// The schema of its form, where it takes one that is URL-encoded.
    pub form: Option<Value>,
}

impl Operation {
    /// `POST /api/v1/orders`.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The fields of its JSON body: name and schema.
    pub fn fields(&self) -> Vec<(String, Value)> {
        let properties = self.json.as_ref().and_then(|schema| schema["properties"].as_object());
        properties.into_iter().flatten().map(|(name, schema)| (name.clone(), schema.clone())).collect()
    }

    /// A body that it takes, as far as a schema can tell.
    pub fn example(&self) -> Value {
        self.json.as_ref().map_or(Value::Null, example_of)
    }
}

/// Every operation that an installation describes.
pub async fn operations(on: &Installation) -> Vec<Operation> {
    let document = on.anonymous().get_at_root("/api/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let body = |media_type: &str| {
                let schema = &operation["requestBody"]["content"][media_type]["schema"];
                (!schema.is_null()).then(|| resolved(&document, schema))
            };
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            operations.push(Operation {
                method: method.to_uppercase().parse().expect("a method"),
                path: path.clone(),
                query: query.map(|one| (text(&one["name"]), resolved(&document, &one["schema"]))).collect(),
                json: body("application/json"),
                form: body("application/x-www-form-urlencoded"),
            });
        }
    }
    assert!(operations.len() > 30, "{}", operations.len());
    operations
}

/// Whether a schema lets a value of this JSON type be, as far as `type` tells.
pub fn takes(schema: &Value, value: &Value) -> bool {
    let type_name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if let Some(alternatives) = schema["oneOf"].as_array() {
        return alternatives.iter().any(|alternative| takes(alternative, value));
    }
    match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == type_name),
        Value::Null => true,
        one => one == type_name,
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The schema with what it refers to written out.
fn resolved(document: &Value, schema: &Value) -> Value {
    if let Some(pointer) = schema["$ref"].as_str() {
        let target = document.pointer(pointer.trim_start_matches('#')).expect("what is referred to");
        return resolved(document, target);
    }
    match schema {
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, one)| (name.clone(), resolved(document, one))).collect())
        }
        Value::Array(members) => Value::Array(members.iter().map(|one| resolved(document, one)).collect()),
        _ => schema.clone(),
    }
}

fn example_of(schema: &Value) -> Value {
    for known in [&schema["example"], &schema["default"], &schema["enum"][0]] {
        if !known.is_null() {
            return known.clone();
        }
    }
    if let Some(alternatives) = schema["oneOf"].as_array() {
        return alternatives.first().map_or(Value::Null, example_of);
    }
    let first_type = schema["type"].as_array().map_or(&schema["type"], |types| &types[0]);
    match first_type.as_str() {
        Some("object") => example_object(schema),
        Some("array") => json!([example_of(&schema["items"])]),
        Some("integer" | "number") => schema["minimum"].as_i64().unwrap_or(1).into(),
        Some("boolean") => json!(true),
        Some("string") => json!(example_text(schema)),
        _ => Value::Null,
    }
}

fn example_object(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let example = properties.iter().map(|(name, one)| (name.clone(), example_of(one)));
    Value::Object(example.collect::<Map<_, _>>())
}

fn example_text(schema: &Value) -> String {
    match schema["format"].as_str() {
        Some("uuid") => uuid::Uuid::now_v7().to_string(),
        Some("password") => crate::installation::PASSWORD.to_owned(),
        _ => "example".to_owned(),
    }
}
