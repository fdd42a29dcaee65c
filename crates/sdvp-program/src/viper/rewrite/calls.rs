//! Calls: those that ask modules, and those of Python's own functions that get a helper instead.

use super::{AT, PLAIN, Rewriter, inner};
use crate::viper::prelude::Helper;
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprCall, ExprGenerator};
use ruff_text_size::{Ranged, TextRange, TextSize};

/// Methods that ask modules, except `find`, which texts have, too.
const ASKING_METHODS: [&str; 7] = [
    "exists",
    "verify_property",
    "best_text_match",
    "simple_query",
    "compute_depth",
    "llm_query",
    "select_answer",
];
/// Functions that ask modules and give no thing back.
const ASKING_FUNCTIONS: [&str; 2] = ["llm_query", "process_guesses"];

impl<'a> Rewriter<'a> {
    /// Changes a call and all its parts.
    pub(super) fn call(&mut self, call: &'a ExprCall) {
        match &*call.func {
            Expr::Attribute(method) if self.lacking(method) => {}
            Expr::Attribute(method) => {
                if is_list_sort(call) && !self.is_own("list") {
                    self.instead(method.range, Helper::Sort);
                } else {
                    self.method_call(call, method.attr.as_str(), method.attr.range);
                    self.visit_expr(&method.value);
                }
            }
            Expr::Name(_) if self.folded.contains(&call.range()) => {}
            Expr::Name(name) => self.function_call(call, name.id.as_str(), name.range),
            func => self.visit_expr(func),
        }
        self.visit_arguments(&call.arguments);
    }

    /// Puts a helper's name in front of a method's receiver, which becomes its first argument.
    fn receiver_first(&mut self, helper: Helper, call: &ExprCall, method: TextRange, then: &str) {
        self.helpers.insert(helper);
        let length = i64::from(call.range().len().to_u32());
        self.edits
            .open(call.range().start(), length, format!("{}(", helper.name()));
        let before = TextRange::up_to(method.start());
        let dot = self
            .slice(before)
            .rfind('.')
            .unwrap_or(method.start().to_usize());
        let inside = call.arguments.range.start() + TextSize::from(1);
        let arguments = !call.arguments.args.is_empty() || !call.arguments.keywords.is_empty();
        let comma = if arguments { ", " } else { "" };
        let range = TextRange::new(TextSize::try_from(dot).unwrap_or(method.start()), inside);
        // Line breaks between the receiver and its arguments stay.
        let breaks = "\n".repeat(self.slice(range).matches('\n').count());
        self.edits.replace(range, format!("{then}{comma}{breaks}"));
    }

    fn method_call(&mut self, call: &'a ExprCall, name: &str, method: TextRange) {
        if self.names.methods.contains(name) {
            return;
        }
        let line = self.line(call.range().start());
        match name {
            "sort" if has_asking_key(call) => self.receiver_first(Helper::Sort, call, method, ""),
            "find" if !is_generator_alone(call) => {
                self.receiver_first(Helper::Find, call, method, &format!(", {line}"));
            }
            _ if ASKING_METHODS.contains(&name) => {
                self.edits.insert(method.end(), format!("{AT}{line}"));
            }
            _ => {}
        }
    }

    fn function_call(&mut self, call: &'a ExprCall, name: &'a str, range: TextRange) {
        if self.is_own(name) {
            self.own_call(call);
            return;
        }
        let line = self.line(call.range().start());
        let arguments = call.arguments.args.len() + call.arguments.keywords.len();
        match name {
            "best_image_match" if is_generator_alone(call) => {
                self.instead(range, Helper::ImageMatchValue);
            }
            "best_image_match" => {
                self.helpers.insert(Helper::ImageMatch);
                let inside = call.arguments.range.start() + TextSize::from(1);
                self.edits.replace(
                    TextRange::new(range.start(), inside),
                    format!("{}({line}, ", Helper::ImageMatch.name()),
                );
            }
            "sorted" | "min" | "max" if !has_asking_key(call) => {}
            "any" | "all" | "next" => self.elements(call, name, range),
            "sum" => {
                if let Some(values) = call.arguments.args.first() {
                    self.sum(values);
                }
            }
            "round" if arguments > 1 => self.instead(range, Helper::Round),
            "pow" if arguments > 2 => self.instead(range, Helper::Pow),
            "format" if !self.names.imported.contains_key(name) => {
                self.instead(range, Helper::Format);
            }
            _ if ASKING_FUNCTIONS.contains(&name) => {
                self.edits.insert(range.end(), format!("{AT}{line}"));
            }
            _ => {
                if let Some(helper) = Helper::instead_of(name) {
                    self.instead(range, helper);
                }
            }
        }
    }

    /// Generators given to functions of the program, which may call `next` on them.
    fn own_call(&mut self, call: &'a ExprCall) {
        if self.names.advanced.is_empty() {
            return;
        }
        let values = call.arguments.keywords.iter().map(|keyword| &keyword.value);
        for value in call.arguments.args.iter().chain(values) {
            if let Expr::Generator(_) = value {
                self.edits.surround(inner(value), "iter([", "])");
            }
        }
    }

    /// `any(E for x in xs)` makes elements one by one: `_any(lambda give: [give(E) for x in xs])`.
    fn elements(&mut self, call: &'a ExprCall, name: &str, range: TextRange) {
        let (Some(argument), Some(helper)) =
            (call.arguments.args.first(), Helper::instead_of(name))
        else {
            return;
        };
        if let Expr::Generator(generator) = argument
            && self.names_leave(generator)
        {
            // A lambda's names would be its own. A list's are not.
            return self.until_it_ends(generator, inner(argument), name);
        }
        match argument {
            Expr::Generator(generator) => {
                let Some(first) = generator.generators.first() else {
                    return;
                };
                self.instead(range, helper);
                self.edits
                    .surround(inner(argument), "lambda _give: [_give(", "]");
                self.edits.insert(first.range.start(), ") ");
            }
            Expr::Call(inside) if self.fold(inside) => self.instead(range, helper),
            _ => {}
        }
    }

    /// Makes a list of a generator's elements that ends where `any`, `all` or `next` would: those after
    /// that are not made.
    fn until_it_ends(&mut self, generator: &'a ExprGenerator, inside: TextRange, name: &str) {
        let Some(first) = generator.generators.first() else {
            return;
        };
        let (open, close, ended) = match name {
            "any" => ("[", "]", "_r and _r[-1]"),
            "all" => ("[", "]", "_r and not _r[-1]"),
            _ => ("iter([", "])", "_r"),
        };
        let made = ") or _r[-1] for _r in [[]] ";
        self.edits.insert(first.range.start(), made);
        // Before the program's own conditions, which may ask, too.
        for condition in generator.generators.iter().filter_map(|it| it.ifs.first()) {
            let open = format!("not ({ended}) and (");
            self.edits.surround(condition.range(), open, ")");
        }
        // Where the last generator has none, one goes behind it, which is where the list ends.
        let close = match generator.generators.last() {
            Some(last) if last.ifs.is_empty() => format!(" if not ({ended}){close}"),
            _ => close.to_owned(),
        };
        let open = format!("{open}_r.append(");
        self.edits.surround(inside, open, close);
    }

    /// `map(f, xs)` and `filter(f, xs)` inside such a call, as `lambda give: [give(f(x)) for …]`.
    fn fold(&mut self, call: &'a ExprCall) -> bool {
        let Expr::Name(function) = &*call.func else {
            return false;
        };
        let name = function.id.as_str();
        let element = match name {
            "map" => "_f(_x)",
            "filter" => "_x",
            _ => return false,
        };
        let [first, second] = &*call.arguments.args else {
            return false;
        };
        let plain = |expr: &Expr| !matches!(expr, Expr::Starred(_) | Expr::NoneLiteral(_));
        if self.is_own(name)
            || !call.arguments.keywords.is_empty()
            || !plain(first)
            || !plain(second)
        {
            return false;
        }
        let last = call.range().end() - TextSize::from(1);
        let after = TextRange::new(second.end(), last);
        let head = TextRange::new(
            function.range.start(),
            call.arguments.range.start() + TextSize::from(1),
        );
        let Some(comma) = self.place_of(',', TextRange::new(first.end(), second.start())) else {
            return false;
        };
        if self.slice(after).contains([',', '#']) || self.slice(head).contains('\n') {
            return false;
        }
        let condition = if name == "filter" { " if _f(_x)" } else { "" };
        self.edits.replace(
            head,
            format!("lambda _give: [_give({element}) for _f in [("),
        );
        self.edits.replace(comma, ")] for _x in (");
        self.edits.replace(
            TextRange::new(last, call.range().end()),
            format!("){condition}]"),
        );
        self.folded.push(call.range());
        true
    }

    /// Whether a generator gives names values that are read outside it.
    fn names_leave(&self, generator: &'a ExprGenerator) -> bool {
        let mut assigned = Assigned(Vec::new());
        assigned.visit_expr(&generator.elt);
        for each in &generator.generators {
            assigned.visit_comprehension(each);
        }
        let mut names = assigned.0.iter();
        names.any(|name| self.names.is_read_outside(name, generator.range))
    }
}

/// The names that `:=` gives values.
struct Assigned<'a>(Vec<&'a str>);

impl<'a> Visitor<'a> for Assigned<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Named(named) = expr
            && let Expr::Name(name) = &*named.target
        {
            self.0.push(name.id.as_str());
        }
        walk_expr(self, expr);
    }
}

/// Whether a call is `list.sort(items, …)`.
fn is_list_sort(call: &ExprCall) -> bool {
    match &*call.func {
        Expr::Attribute(method) => {
            let of_list = matches!(&*method.value, Expr::Name(name) if name.id.as_str() == "list");
            of_list && method.attr.as_str() == "sort" && !call.arguments.args.is_empty()
        }
        _ => false,
    }
}

fn is_generator_alone(call: &ExprCall) -> bool {
    matches!(&*call.arguments.args, [Expr::Generator(generator)] if !generator.parenthesized)
}

/// Whether a call has a key that may call something.
fn has_asking_key(call: &ExprCall) -> bool {
    let Some(key) = call.arguments.find_keyword("key") else {
        return false;
    };
    match &key.value {
        Expr::NoneLiteral(_) => false,
        // Python's own functions ask nobody.
        Expr::Name(name) if matches!(name.id.as_str(), "len" | "str" | "int" | "float" | "abs") => {
            false
        }
        Expr::Lambda(lambda) => {
            let mut asks = Asks(false);
            asks.visit_expr(&lambda.body);
            asks.0
        }
        _ => true,
    }
}

/// Whether an expression calls something, or reads what may have to be asked for.
struct Asks(bool);

impl<'a> Visitor<'a> for Asks {
    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(_) => self.0 = true,
            Expr::Attribute(attribute) if !PLAIN.contains(&attribute.attr.as_str()) => {
                self.0 = true
            }
            _ => walk_expr(self, expr),
        }
    }
}
