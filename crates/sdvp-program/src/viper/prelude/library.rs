//! What Python's own library has and the interpreter lacks, or does otherwise.

use super::Helper;

/// The helper for a function of a module that the interpreter's module lacks.
pub(in crate::viper) fn missing(module: &str, name: &str) -> Option<Helper> {
    Some(match (module, name) {
        ("math", "hypot") => Helper::Hypot,
        ("math", "dist") => Helper::Dist,
        ("math", "prod") => Helper::Prod,
        ("math", "fsum") => Helper::Fsum,
        ("itertools", "combinations") => Helper::Combinations,
        ("itertools", "permutations") => Helper::Permutations,
        ("itertools", "product") => Helper::Product,
        _ => return None,
    })
}

/// The source of such a helper; empty for others.
pub(super) fn source(helper: Helper) -> &'static str {
    match helper {
        Helper::Percent => {
            "def _percent(form, values):\n\
                 \x20left = list(values) if isinstance(values, tuple) else [values]\n\
                 \x20parts = form.split('%')\n\
                 \x20out = parts[0]\n\
                 \x20at = 1\n\
                 \x20while at < len(parts):\n\
                 \x20 part = parts[at]\n\
                 \x20 at += 1\n\
                 \x20 if part == '' and at < len(parts):\n\
                 \x20  out += '%' + parts[at]\n\
                 \x20  at += 1\n\
                 \x20  continue\n\
                 \x20 if part[:1] == '(':\n\
                 \x20  key, part = part[1:].split(')', 1)\n\
                 \x20  left.insert(0, values[key])\n\
                 \x20 width = part.lstrip('-+ #0')\n\
                 \x20 flags = part[:len(part) - len(width)]\n\
                 \x20 rest = width.lstrip('.0123456789')\n\
                 \x20 width = width[:len(width) - len(rest)]\n\
                 \x20 kind = rest[:1]\n\
                 \x20 if kind == '':\n\
                 \x20  raise ValueError('incomplete format')\n\
                 \x20 if not left:\n\
                 \x20  raise TypeError('not enough arguments for format string')\n\
                 \x20 value = left.pop(0)\n\
                 \x20 if kind in 'srdiu':\n\
                 \x20  value = str(value) if kind == 's' else repr(value) if kind == 'r' else int(value) if isinstance(value, (int, float)) else value\n\
                 \x20  if kind in 'diu' and not isinstance(value, int):\n\
                 \x20   raise TypeError(f'%{kind} format: a real number is required, not {type(value).__name__}')\n\
                 \x20 zero = '0' in flags and '-' not in flags and kind not in 'sr'\n\
                 \x20 spec = '' if zero or width == '' else '<' if '-' in flags else '>'\n\
                 \x20 if kind not in 'sr':\n\
                 \x20  spec += '+' if '+' in flags else ' ' if ' ' in flags else ''\n\
                 \x20 spec += ('0' if zero else '') + width + ('' if kind in 'sr' else 'd' if kind in 'iu' else kind)\n\
                 \x20 out += (f'{value:{spec}}' if spec else value) + rest[1:]\n\
                 \x20if left and isinstance(values, (tuple, str, int, float)) and '%(' not in form:\n\
                 \x20 raise TypeError('not all arguments converted during string formatting')\n\
                 \x20return out\n"
        }
        Helper::Round => {
            "def _round(number, ndigits=None):\n\
                 \x20if isinstance(number, float) and isinstance(ndigits, int) and 0 <= ndigits <= 400:\n\
                 \x20 return float(f'{number:.{int(ndigits)}f}')\n\
                 \x20return round(number, ndigits)\n"
        }
        Helper::Pow => {
            "def _pow(base, exp, mod=None):\n\
                 \x20if mod is None:\n\
                 \x20 return pow(base, exp)\n\
                 \x20for number in (base, exp, mod):\n\
                 \x20 if isinstance(number, int) and abs(number) >= 1 << 4096:\n\
                 \x20  raise OverflowError('the numbers are too great')\n\
                 \x20return pow(base, exp, mod)\n"
        }
        Helper::Format => "_format = lambda x, spec='': f'{x:{spec}}' if spec else str(x)\n",
        Helper::Hypot => {
            "def _hypot(*sides):\n\
                 \x20from math import sqrt\n\
                 \x20return sqrt(sum([x * x for x in sides]))\n"
        }
        Helper::Dist => "_dist = lambda p, q: _hypot(*[a - b for a, b in zip(p, q)])\n",
        Helper::Prod => {
            "def _prod(numbers, *, start=1):\n\
                 \x20for x in numbers:\n\
                 \x20 start = start * x\n\
                 \x20return start\n"
        }
        Helper::Fsum => {
            "def _fsum(numbers):\n\
                 \x20parts = []\n\
                 \x20for x in numbers:\n\
                 \x20 kept = []\n\
                 \x20 for y in parts:\n\
                 \x20  if abs(x) < abs(y):\n\
                 \x20   x, y = y, x\n\
                 \x20  high = x + y\n\
                 \x20  low = y - (high - x)\n\
                 \x20  if low:\n\
                 \x20   kept.append(low)\n\
                 \x20  x = high\n\
                 \x20 parts = kept + [x]\n\
                 \x20return float(sum(parts))\n"
        }
        Helper::Combinations => {
            "def _combinations(items, r):\n\
                 \x20items = list(items)\n\
                 \x20chosen = [[]]\n\
                 \x20for _ in range(r):\n\
                 \x20 chosen = [c + [i] for c in chosen for i in range(c[-1] + 1 if c else 0, len(items))]\n\
                 \x20return iter([tuple([items[i] for i in c]) for c in chosen])\n"
        }
        Helper::Permutations => {
            "def _permutations(items, r=None):\n\
                 \x20items = list(items)\n\
                 \x20chosen = [[]]\n\
                 \x20for _ in range(len(items) if r is None else r):\n\
                 \x20 chosen = [c + [i] for c in chosen for i in range(len(items)) if i not in c]\n\
                 \x20return iter([tuple([items[i] for i in c]) for c in chosen])\n"
        }
        Helper::Product => {
            "def _product(*pools, repeat=1):\n\
                 \x20chosen = [()]\n\
                 \x20for pool in [list(pool) for pool in pools] * repeat:\n\
                 \x20 chosen = [c + (x,) for c in chosen for x in pool]\n\
                 \x20return iter(chosen)\n"
        }
        Helper::Flat => "_flat = lambda lists: iter([x for items in lists for x in items])\n",
        _ => "",
    }
}
