//! The few functions that must be Python themselves: those that call functions of the program while
//! modules are asked, which the interpreter's own cannot, those that give a thing back as it is, and
//! those that the interpreter has not or has otherwise than CPython ([`library`]).

mod library;

pub(super) use library::missing;

/// A function of the prelude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    Find,
    ImageMatch,
    /// The same as a value, in no line that is known.
    ImageMatchValue,
    Sort,
    Sorted,
    Best,
    Min,
    Max,
    Map,
    Filter,
    Any,
    All,
    Next,
    /// A truth value as a number, anything else as it is.
    Num,
    /// `%` of a text.
    Percent,
    Round,
    Pow,
    Format,
    Hypot,
    Dist,
    Prod,
    Fsum,
    Combinations,
    Permutations,
    Product,
    /// `chain.from_iterable`.
    Flat,
}

impl Helper {
    /// Its name in the program.
    pub(super) fn name(self) -> &'static str {
        match self {
            Helper::Find => "_find",
            Helper::ImageMatch => "_best_match",
            Helper::ImageMatchValue => "_best_match_value",
            Helper::Sort => "_sort",
            Helper::Sorted => "_sorted",
            Helper::Best => "_best",
            Helper::Min => "_min",
            Helper::Max => "_max",
            Helper::Map => "_map",
            Helper::Filter => "_filter",
            Helper::Any => "_any",
            Helper::All => "_all",
            Helper::Next => "_next",
            Helper::Num => "_num",
            Helper::Percent => "_percent",
            Helper::Round => "_round",
            Helper::Pow => "_pow",
            Helper::Format => "_format",
            Helper::Hypot => "_hypot",
            Helper::Dist => "_dist",
            Helper::Prod => "_prod",
            Helper::Fsum => "_fsum",
            Helper::Combinations => "_combinations",
            Helper::Permutations => "_permutations",
            Helper::Product => "_product",
            Helper::Flat => "_flat",
        }
    }

    /// The helper that stands in for one of Python's own functions.
    pub(super) fn instead_of(function: &str) -> Option<Self> {
        Some(match function {
            "sorted" => Helper::Sorted,
            "min" => Helper::Min,
            "max" => Helper::Max,
            "map" => Helper::Map,
            "filter" => Helper::Filter,
            "any" => Helper::Any,
            "all" => Helper::All,
            "next" => Helper::Next,
            _ => return None,
        })
    }

    /// What it uses.
    pub(super) fn needs(self) -> &'static [Helper] {
        match self {
            Helper::Sorted => &[Helper::Sort],
            Helper::Min | Helper::Max => &[Helper::Best],
            Helper::ImageMatchValue => &[Helper::ImageMatch],
            Helper::Dist => &[Helper::Hypot],
            _ => &[],
        }
    }

    /// Its source. Keys are computed first, one for every item in order, as Python does.
    pub(super) fn source(self) -> &'static str {
        match self {
            // Texts have a `find`, too, which knows nothing of lines.
            Helper::Find => {
                "_find = lambda p, n, *a, **k: \
                 p.find_at(n, *a, **k) if isinstance(p, _ImagePatch) else p.find(*a, **k)\n"
            }
            // The patch itself, not a copy of it.
            Helper::ImageMatch => {
                "def _best_match(_line, list_patches, content, return_index=False):\n\
                 \x20i = _best_image_match(_line, list_patches, content)\n\
                 \x20return i if return_index or i is None else list_patches[i]\n"
            }
            Helper::ImageMatchValue => {
                "_best_match_value = lambda *a, **k: _best_match(0, *a, **k)\n"
            }
            Helper::Sort => {
                "def _sort(items, key=None, reverse=False):\n\
                 \x20keys = [key(x) for x in items] if key else list(items)\n\
                 \x20order = sorted(range(len(keys)), key=lambda i: keys[i], reverse=reverse)\n\
                 \x20result = [items[i] for i in order]\n\
                 \x20items.clear()\n\
                 \x20items.extend(result)\n"
            }
            Helper::Sorted => {
                "def _sorted(items, key=None, reverse=False):\n\
                 \x20items = list(items)\n\
                 \x20_sort(items, key, reverse)\n\
                 \x20return items\n"
            }
            Helper::Best => {
                "def _best(fold, args, key, rest):\n\
                 \x20items = list(args[0]) if len(args) == 1 else list(args)\n\
                 \x20keys = [key(x) for x in items]\n\
                 \x20if not items and 'default' in rest:\n\
                 \x20 return rest['default']\n\
                 \x20return items[fold(range(len(items)), key=lambda i: keys[i])]\n"
            }
            Helper::Min => "_min = lambda *a, key, **k: _best(min, a, key, k)\n",
            Helper::Max => "_max = lambda *a, key, **k: _best(max, a, key, k)\n",
            Helper::Map => "_map = lambda f, *its: iter([f(*a) for a in zip(*its)])\n",
            Helper::Filter => {
                "_filter = lambda f, it: iter([x for x in it if (x if f is None else f(x))])\n"
            }
            // A generator's elements are made only as far as they are wanted: `give` ends it.
            Helper::Any => {
                "def _any(elements):\n\
                 \x20def give(x):\n\
                 \x20 if x:\n\
                 \x20  raise KeyboardInterrupt\n\
                 \x20try:\n\
                 \x20 elements(give)\n\
                 \x20except KeyboardInterrupt:\n\
                 \x20 return True\n\
                 \x20return False\n"
            }
            Helper::All => {
                "def _all(elements):\n\
                 \x20def give(x):\n\
                 \x20 if not x:\n\
                 \x20  raise KeyboardInterrupt\n\
                 \x20try:\n\
                 \x20 elements(give)\n\
                 \x20except KeyboardInterrupt:\n\
                 \x20 return False\n\
                 \x20return True\n"
            }
            Helper::Next => {
                "def _next(elements, *default):\n\
                 \x20first = []\n\
                 \x20def give(x):\n\
                 \x20 first.append(x)\n\
                 \x20 raise KeyboardInterrupt\n\
                 \x20try:\n\
                 \x20 elements(give)\n\
                 \x20except KeyboardInterrupt:\n\
                 \x20 return first[0]\n\
                 \x20if default:\n\
                 \x20 return default[0]\n\
                 \x20raise StopIteration\n"
            }
            Helper::Num => "_num = lambda x: 1 if x is True else 0 if x is False else x\n",
            other => library::source(other),
        }
    }
}
