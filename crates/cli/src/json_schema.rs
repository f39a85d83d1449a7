//! The JSON Schema of what is printed as JSON, made from the columns.

use serde_json::{Map, Value, json};
use trailback_tables::Table;
use trailback_tables::ddl::{ColumnDescription, schema};

use crate::json::TRACE_VERSION;

/// The draft that the schemas are written in.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a table's rows; of `sessions` that of a trace, in which rows are hops.
pub(crate) fn text(table: Table) -> serde_json::Result<String> {
    let schema = match table {
        Table::Sessions => trace(),
        Table::LogObjects => {
            let mut row = row(table);
            row["$schema"] = json!(DRAFT);
            row
        }
    };
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

fn trace() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "A trace, as `trailback trace --format json` prints it, one object a line",
        "type": "object",
        "required": ["version", "subject", "at", "hops", "earlier_hops", "gap", "remarks"],
        "properties": {
            "version": {
                "const": TRACE_VERSION,
                "description": "Counts up when a member changes its meaning or goes. New members may come at any time."
            },
            "subject": {"type": "string", "description": "What was asked about, as it was typed."},
            "at": {"type": ["string", "null"], "format": "date-time", "description": "The moment of --at."},
            "hops": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/session"},
                "description": "From the hop made by the origin (or at the gap) down to the subject's own."
            },
            "earlier_hops": {
                "type": "integer",
                "minimum": 0,
                "description": "How many hops before the first one are known, but not in the lake any more."
            },
            "gap": {
                "description": "Why the chain stops, where the first hop is a gap.",
                "oneOf": [{"type": "null"}, {"$ref": "#/$defs/gap"}]
            },
            "remarks": {"type": "array", "items": {"type": "string"}, "description": "What stands out, in words."}
        },
        "$defs": {
            "gap": {
                "type": "object",
                "required": ["why", "known", "next", "holes"],
                "properties": {
                    "why": {"type": "string", "description": "Why the chain stops."},
                    "known": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "What is known of the caller all the same."
                    },
                    "next": {"type": "string", "description": "What to do next."},
                    "holes": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "Where the logs lack what might close the gap, as `verify` found; empty without --verified."
                    }
                }
            },
            "session": row(Table::Sessions)
        }
    })
}

/// A row: an object with every column, absent ones null.
fn row(table: Table) -> Value {
    let columns: Vec<ColumnDescription> = schema(table).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let members: Map<String, Value> = columns
        .iter()
        .map(|column| (column.name.to_owned(), member(column)))
        .collect();
    json!({
        "title": format!("A row of the table `{}`", table.name()),
        "type": "object",
        "required": names,
        "properties": members,
        "additionalProperties": false
    })
}

fn member(column: &ColumnDescription) -> Value {
    let mut member = of_type(&column.type_name);
    if column.nullable {
        member = json!({"oneOf": [{"type": "null"}, member]});
    }
    member["description"] = json!(column.meaning);
    member
}

/// The JSON form of a type of Athena's.
fn of_type(type_name: &str) -> Value {
    let inside = |opening: &str| type_name.strip_prefix(opening)?.strip_suffix('>');
    match type_name {
        "boolean" => json!({"type": "boolean"}),
        "int" | "bigint" => json!({"type": "integer"}),
        "timestamp" => json!({"type": "string", "format": "date-time"}),
        "string" => json!({"type": "string"}),
        _ if inside("map<").is_some() => {
            json!({"type": "object", "additionalProperties": {"type": "string"}})
        }
        _ => match (inside("array<"), inside("struct<")) {
            (Some(item), _) => {
                // An ancestor may lack a key or a role.
                json!({"type": "array", "items": {"oneOf": [{"type": "null"}, of_type(item)]}})
            }
            (_, Some(fields)) => of_struct(fields),
            _ => json!({}),
        },
    }
}

/// `name:type,name:type`, of which no type holds a comma.
fn of_struct(fields: &str) -> Value {
    let members: Map<String, Value> = fields
        .split(',')
        .filter_map(|field| field.split_once(':'))
        .map(|(name, type_name)| {
            let member = json!({"oneOf": [{"type": "null"}, of_type(type_name)]});
            (name.to_owned(), member)
        })
        .collect();
    json!({"type": "object", "properties": members, "additionalProperties": false})
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use trailback_sessions::GapReason;
    use trailback_tables::Table;

    use super::text;
    use crate::json;
    use crate::render::stories;

    #[test]
    fn the_documented_schema_is_the_one_printed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/trace.schema.json");
        let printed = text(Table::Sessions).unwrap();
        assert_eq!(
            std::fs::read_to_string(path).unwrap_or_default(),
            printed,
            "write it anew: trailback schema --format json-schema > docs/trace.schema.json"
        );
    }

    /// tests/e2e holds the whole schema against real output, with a validator that is not ours.
    #[test]
    fn every_story_as_json_has_the_members_of_the_schema_and_no_others() {
        let schema: Value = serde_json::from_str(&text(Table::Sessions).unwrap()).unwrap();
        let names = |schema: &Value| -> Vec<String> {
            let members = schema["properties"].as_object().unwrap();
            members.keys().cloned().collect()
        };
        let stories = [
            stories::cross_account_chain(),
            stories::vendor_gap(),
            stories::gap(GapReason::Ambiguous),
            stories::identity_center_refused(),
            stories::hostile(),
        ];
        for hops in stories {
            let printed = json::trail(&crate::render::trace::Trail {
                subject: "ASIA",
                hops: &hops,
                ..Default::default()
            })
            .unwrap();
            let trace: Value = serde_json::from_str(&printed).unwrap();
            let members = |value: &Value| -> Vec<String> {
                value.as_object().unwrap().keys().cloned().collect()
            };
            assert_eq!(members(&trace), names(&schema));
            for hop in trace["hops"].as_array().unwrap() {
                assert_eq!(members(hop), names(&schema["$defs"]["session"]));
            }
            if !trace["gap"].is_null() {
                assert_eq!(members(&trace["gap"]), names(&schema["$defs"]["gap"]));
            }
        }
    }
}
