//! The parameters of the API's functions, bound as Python binds them.

use monty_types::{ExcType, MontyException, MontyObject};

/// A function of the API: its name as Python's errors write it, and its parameters with whether
/// they may be left out.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [(&'static str, bool)],
    /// Whether it is a method, whose receiver counts as an argument in Python's errors.
    pub(super) method: bool,
}

/// An exception that the program sees.
pub(super) fn raised(kind: ExcType, message: impl Into<String>) -> MontyException {
    MontyException::new(kind, Some(message.into()))
}

impl Signature {
    /// One value, or none where it was left out, for every parameter.
    ///
    /// # Errors
    /// Python's `TypeError`.
    pub(super) fn bind(
        &self,
        args: Vec<MontyObject>,
        kwargs: Vec<(MontyObject, MontyObject)>,
    ) -> Result<Bound, MontyException> {
        let type_error = |message: String| raised(ExcType::TypeError, message);
        let mut values: Vec<Option<MontyObject>> = Vec::with_capacity(self.parameters.len());
        if args.len() > self.parameters.len() {
            let receiver = usize::from(self.method);
            let most = self.parameters.len() + receiver;
            let least = self
                .parameters
                .iter()
                .filter(|(_, optional)| !optional)
                .count()
                + receiver;
            let takes = if least == most {
                format!(
                    "{most} positional argument{}",
                    if most == 1 { "" } else { "s" }
                )
            } else {
                format!("from {least} to {most} positional arguments")
            };
            return Err(type_error(format!(
                "{}() takes {takes} but {} were given",
                self.name,
                args.len() + receiver
            )));
        }
        values.extend(args.into_iter().map(Some));
        values.resize_with(self.parameters.len(), || None);
        for (key, value) in kwargs {
            let MontyObject::String(key) = key else {
                return Err(type_error("keywords must be strings".to_owned()));
            };
            let place = self.parameters.iter().position(|(name, _)| *name == key);
            let Some(slot) = place.and_then(|place| values.get_mut(place)) else {
                return Err(type_error(format!(
                    "{}() got an unexpected keyword argument '{key}'",
                    self.name
                )));
            };
            if slot.replace(value).is_some() {
                return Err(type_error(format!(
                    "{}() got multiple values for argument '{key}'",
                    self.name
                )));
            }
        }
        let missing: Vec<String> = self
            .parameters
            .iter()
            .zip(&values)
            .filter(|((_, optional), value)| !optional && value.is_none())
            .map(|((name, _), _)| format!("'{name}'"))
            .collect();
        if let Some((last, others)) = missing.split_last() {
            let names = match others {
                [] => last.clone(),
                [one] => format!("{one} and {last}"),
                _ => format!("{}, and {last}", others.join(", ")),
            };
            return Err(type_error(format!(
                "{}() missing {} required positional argument{}: {names}",
                self.name,
                missing.len(),
                if others.is_empty() { "" } else { "s" }
            )));
        }
        Ok(Bound(values.into_iter()))
    }
}

/// The values of a call, taken one after another in the order of the parameters.
#[derive(Debug)]
pub(super) struct Bound(std::vec::IntoIter<Option<MontyObject>>);

impl Bound {
    /// The next value; none if it was left out.
    pub(super) fn take(&mut self) -> Option<MontyObject> {
        self.0.next().flatten()
    }

    /// The next value, `None` if it was left out.
    pub(super) fn object(&mut self) -> MontyObject {
        self.take().unwrap_or(MontyObject::None)
    }

    /// The next value, which must be a text.
    pub(super) fn text(&mut self, what: &str) -> Result<String, MontyException> {
        text(self.object(), what)
    }
}

/// The `TypeError` of a value that should be something else.
pub(super) fn wrong_type(what: &str, expected: &str, found: &MontyObject) -> MontyException {
    raised(
        ExcType::TypeError,
        format!("expected {what} as {expected}, found {}", found.type_name()),
    )
}

/// A value that must be a text.
pub(super) fn text(object: MontyObject, what: &str) -> Result<String, MontyException> {
    match object {
        MontyObject::String(text) => Ok(text),
        other => Err(wrong_type(what, "str", &other)),
    }
}

/// A value that must be a list (or tuple, or set).
pub(super) fn list(object: MontyObject, what: &str) -> Result<Vec<MontyObject>, MontyException> {
    match object {
        MontyObject::List(items)
        | MontyObject::Tuple(items)
        | MontyObject::Set(items)
        | MontyObject::FrozenSet(items) => Ok(items),
        other => Err(wrong_type(what, "list", &other)),
    }
}

/// What Python's `int` makes of a value.
pub(super) fn int(object: &MontyObject) -> Result<i64, MontyException> {
    match object {
        MontyObject::Int(value) => Ok(*value),
        MontyObject::Bool(value) => Ok(i64::from(*value)),
        MontyObject::Float(value) if value.is_finite() => Ok(value.trunc() as i64),
        MontyObject::Float(_) => Err(raised(
            ExcType::ValueError,
            "cannot convert float NaN or infinity to integer",
        )),
        MontyObject::String(text) => text.trim().parse().map_err(|_| {
            raised(
                ExcType::ValueError,
                format!(
                    "invalid literal for int() with base 10: {}",
                    object.py_repr()
                ),
            )
        }),
        other => Err(raised(
            ExcType::TypeError,
            format!(
                "int() argument must be a string, a bytes-like object or a real number, not '{}'",
                other.type_name()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CROP: Signature = Signature {
        name: "ImagePatch.crop",
        parameters: &[("left", false), ("lower", false), ("why", true)],
        method: true,
    };

    fn bind(args: &[i64], kwargs: &[(&str, i64)]) -> Result<Vec<Option<i64>>, String> {
        let kwargs = kwargs
            .iter()
            .map(|&(key, value)| (MontyObject::String(key.into()), MontyObject::Int(value)));
        let args = args.iter().copied().map(MontyObject::Int).collect();
        let mut bound = CROP
            .bind(args, kwargs.collect())
            .map_err(|error| error.summary())?;
        Ok((0..3)
            .map(|_| bound.take().and_then(|value| int(&value).ok()))
            .collect())
    }

    #[test]
    fn arguments_are_bound_as_python_binds_them() {
        assert_eq!(bind(&[1, 2], &[]), Ok(vec![Some(1), Some(2), None]));
        assert_eq!(
            bind(&[1], &[("why", 3), ("lower", 2)]),
            Ok(vec![Some(1), Some(2), Some(3)])
        );
        for (args, kwargs, message) in [
            (
                &[1][..],
                &[][..],
                "TypeError: ImagePatch.crop() missing 1 required positional argument: 'lower'",
            ),
            (
                &[],
                &[],
                "TypeError: ImagePatch.crop() missing 2 required positional arguments: 'left' and 'lower'",
            ),
            (
                &[1, 2, 3, 4],
                &[],
                "TypeError: ImagePatch.crop() takes from 3 to 4 positional arguments but 5 were given",
            ),
            (
                &[1, 2],
                &[("left", 3)],
                "TypeError: ImagePatch.crop() got multiple values for argument 'left'",
            ),
            (
                &[1, 2],
                &[("up", 3)],
                "TypeError: ImagePatch.crop() got an unexpected keyword argument 'up'",
            ),
        ] {
            assert_eq!(bind(args, kwargs), Err(message.to_owned()));
        }
    }

    #[test]
    fn whole_numbers_are_made_as_by_int() {
        let int = |object| int(&object).map_err(|error| error.exc_type());
        assert_eq!(int(MontyObject::Float(-2.9)), Ok(-2));
        assert_eq!(int(MontyObject::String(" 7 ".into())), Ok(7));
        assert_eq!(int(MontyObject::Bool(true)), Ok(1));
        assert_eq!(int(MontyObject::Float(f64::NAN)), Err(ExcType::ValueError));
        assert_eq!(int(MontyObject::None), Err(ExcType::TypeError));
    }
}
