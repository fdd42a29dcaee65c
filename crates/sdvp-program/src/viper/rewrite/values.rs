//! Names and attributes that are read, not called: methods of Python's own types as values, which
//! the interpreter lacks, and what its modules lack.

use super::{PLAIN, Rewriter};
use crate::viper::prelude::{Helper, missing};
use crate::viper::things::Class;
use ruff_python_ast::{Expr, ExprAttribute, ExprName};
use ruff_text_size::{Ranged, TextRange};

/// Methods of texts, lists, dictionaries and sets.
const METHODS: &[&str] = &[
    "__contains__",
    "__getitem__",
    "add",
    "append",
    "capitalize",
    "casefold",
    "center",
    "clear",
    "copy",
    "count",
    "difference",
    "discard",
    "encode",
    "endswith",
    "expandtabs",
    "extend",
    "find",
    "format",
    "get",
    "index",
    "insert",
    "intersection",
    "isalnum",
    "isalpha",
    "isdecimal",
    "isdigit",
    "isdisjoint",
    "islower",
    "isnumeric",
    "isspace",
    "issubset",
    "issuperset",
    "istitle",
    "isupper",
    "items",
    "join",
    "keys",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "pop",
    "popitem",
    "remove",
    "removeprefix",
    "removesuffix",
    "replace",
    "reverse",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "setdefault",
    "sort",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "title",
    "union",
    "update",
    "upper",
];
/// Their types.
const TYPES: [&str; 5] = ["str", "list", "dict", "set", "tuple"];

impl<'a> Rewriter<'a> {
    /// Changes a name that is read.
    pub(super) fn name(&mut self, name: &'a ExprName) {
        // The host's own function of this name gives an index.
        if name.id.as_str() == "best_image_match" && !self.is_own("best_image_match") {
            self.instead(name.range, Helper::ImageMatchValue);
        }
    }

    /// Changes an attribute that is read, not called. Whether its parts were seen to.
    pub(super) fn attribute(&mut self, attribute: &'a ExprAttribute) -> bool {
        self.lacking(attribute) || self.method_value(attribute)
    }

    /// Puts ours in the place of a function that a module of the interpreter lacks.
    pub(super) fn lacking(&mut self, attribute: &'a ExprAttribute) -> bool {
        let attr = attribute.attr.as_str();
        let helper = match &*attribute.value {
            // However `chain` was imported.
            Expr::Name(chain)
                if attr == "from_iterable"
                    && self.names.imported.contains_key(chain.id.as_str()) =>
            {
                Some(Helper::Flat)
            }
            Expr::Attribute(chain) if attr == "from_iterable" => {
                (chain.attr.as_str() == "chain").then_some(Helper::Flat)
            }
            Expr::Name(name) if !self.is_own(name.id.as_str()) => {
                let module = self.names.imported.get(name.id.as_str());
                module
                    .copied()
                    .flatten()
                    .and_then(|module| missing(module, attr))
            }
            _ => None,
        };
        if let Some(helper) = helper
            && !self.slice(attribute.range).contains('\n')
        {
            self.instead(attribute.range, helper);
            return true;
        }
        false
    }

    /// `counts.get` as a value: a function that calls it.
    fn method_value(&mut self, attribute: &'a ExprAttribute) -> bool {
        let name = attribute.attr.as_str();
        if !METHODS.contains(&name) {
            return false;
        }
        let (receiver, range) = (&*attribute.value, attribute.range);
        if let Expr::Name(of) = receiver
            && TYPES.contains(&of.id.as_str())
            && !self.is_own(of.id.as_str())
        {
            if name.starts_with('_') {
                return false;
            }
            self.edits.surround(range, "(lambda _s, *_a: ", "(*_a))");
            self.edits.replace(of.range, "_s");
            return true;
        }
        let of_patches = PLAIN.contains(&name) || Class::ImagePatch.methods().contains(&name);
        if of_patches || self.is_of_the_program(name) {
            return false;
        }
        // It is evaluated when the function is called, which is the same for these.
        let simple = match receiver {
            Expr::Name(_) => true,
            Expr::Attribute(outer) => matches!(&*outer.value, Expr::Name(_)),
            _ => false,
        };
        let dot_and_name = TextRange::new(receiver.end(), range.end());
        if !simple || self.slice(dot_and_name).contains(['\n', ')', '#']) {
            return false;
        }
        match name {
            "__getitem__" => {
                self.edits.surround(range, "(lambda _i: ", ")");
                self.edits.replace(dot_and_name, "[_i]");
            }
            "__contains__" => {
                self.edits.surround(range, "(lambda _i: _i in ", ")");
                self.edits.replace(dot_and_name, "");
            }
            _ => self.edits.surround(range, "(lambda *_a: ", "(*_a))"),
        }
        true
    }

    /// Whether a program has an attribute or a method of this name itself.
    fn is_of_the_program(&self, name: &str) -> bool {
        let names = &self.names;
        // The fields of a named tuple are told as texts.
        names.methods.contains(name)
            || names.attributes.contains(name)
            || self.code.contains("namedtuple")
    }
}
