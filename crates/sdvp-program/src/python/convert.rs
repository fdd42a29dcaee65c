//! Values in and out of the sandbox.

use crate::Value;
use monty_types::MontyObject;

/// A program's value as a Python object.
pub(super) fn to_python(value: &Value) -> Result<MontyObject, String> {
    Ok(match value {
        Value::Text(text) => MontyObject::String(text.clone()),
        Value::Int(number) => MontyObject::Int(*number),
        Value::Float(number) => MontyObject::Float(*number),
        Value::Bool(truth) => MontyObject::Bool(*truth),
        Value::None => MontyObject::None,
        Value::List(values) => {
            MontyObject::List(values.iter().map(to_python).collect::<Result<_, _>>()?)
        }
        Value::View(_) | Value::Boxes(_) => {
            return Err(format!("{} cannot enter an expression", value.type_name()));
        }
    })
}

/// A Python object as a program's value. Tuples become lists.
pub(super) fn from_python(object: MontyObject) -> Result<Value, String> {
    Ok(match object {
        MontyObject::None => Value::None,
        MontyObject::Bool(truth) => Value::Bool(truth),
        MontyObject::Int(number) => Value::Int(number),
        MontyObject::Float(number) => Value::Float(number),
        MontyObject::String(text) => Value::Text(text),
        MontyObject::List(items) | MontyObject::Tuple(items) => Value::List(
            items
                .into_iter()
                .map(from_python)
                .collect::<Result<_, _>>()?,
        ),
        MontyObject::BigInt(_) => {
            return Err("expected a whole number of 64 bits, found a greater one".to_owned());
        }
        other => {
            return Err(format!(
                "expected a text, number, truth value or list, found a value of type {}",
                other.type_name()
            ));
        }
    })
}
