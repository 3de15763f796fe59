//! The condition of a rule: names of selections joined by `and`, `or`, `not`, `1 of` and `all of`.

use super::modifiers::nearest;
use super::rule::Expr;

const MAX_DEPTH: usize = 64;
const MAX_TOKENS: usize = 10_000;
const MAX_CHOSEN: usize = 20_000;

/// Reads a condition over the selections of that names.
pub(crate) fn parse(text: &str, names: &[String]) -> Result<Expr, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0, names, chosen: 0 };
    let expr = reader.either(0)?;
    match reader.peek() {
        None => Ok(expr),
        Some(token) => Err(format!("condition: `and` or `or` expected before `{token}`")),
    }
}

fn tokens(text: &str) -> Result<Vec<&str>, String> {
    if text.contains('|') {
        return Err("condition: aggregation (`|`) is deprecated in Sigma; \
                    correlation rules take its place"
            .to_owned());
    }
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find(['(', ')']) {
            let (before, behind) = rest.split_at(at);
            let (paren, behind) = behind.split_at(1);
            tokens.extend([before, paren].into_iter().filter(|t| !t.is_empty()));
            rest = behind;
        }
        tokens.extend((!rest.is_empty()).then_some(rest));
        if tokens.len() > MAX_TOKENS {
            return Err(format!("condition: more than {MAX_TOKENS} words"));
        }
    }
    if tokens.iter().any(|t| t.eq_ignore_ascii_case("near")) {
        return Err("condition: `near` is deprecated in Sigma".to_owned());
    }
    Ok(tokens)
}

struct Reader<'t> {
    tokens: &'t [&'t str],
    at: usize,
    names: &'t [String],
    /// Selections that patterns have named so far.
    chosen: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<&'t str> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|t| t.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Result<Expr, String> {
        let mut parts = vec![self.both(depth)?];
        while self.takes("or") {
            parts.push(self.both(depth)?);
        }
        Ok(Expr::any(parts))
    }

    fn both(&mut self, depth: usize) -> Result<Expr, String> {
        let mut parts = vec![self.negation(depth)?];
        while self.takes("and") {
            parts.push(self.negation(depth)?);
        }
        Ok(Expr::all(parts))
    }

    fn negation(&mut self, depth: usize) -> Result<Expr, String> {
        let mut negated = false;
        while self.takes("not") {
            negated = !negated;
        }
        let expr = self.primary(depth)?;
        Ok(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn primary(&mut self, depth: usize) -> Result<Expr, String> {
        let Some(token) = self.next() else {
            return Err("condition: it ends where a selection is expected".to_owned());
        };
        if token == "(" {
            if depth >= MAX_DEPTH {
                return Err(format!("condition: nested deeper than {MAX_DEPTH}"));
            }
            let inner = self.either(depth + 1)?;
            return match self.next() {
                Some(")") => Ok(inner),
                _ => Err("condition: `)` is missing".to_owned()),
            };
        }
        if self.peek().is_some_and(|t| t.eq_ignore_ascii_case("of")) {
            return self.quantified(token);
        }
        self.selection(token)
    }

    fn quantified(&mut self, quantity: &str) -> Result<Expr, String> {
        self.at += 1;
        let all = match quantity.to_ascii_lowercase().as_str() {
            "all" => true,
            "1" | "any" => false,
            _ => return Err(format!("condition: `{quantity} of` is not `1 of` or `all of`")),
        };
        let Some(pattern) = self.next() else {
            return Err("condition: it ends after `of`".to_owned());
        };
        let chosen: Vec<Expr> = self.chosen(pattern).map(Expr::Selection).collect();
        self.chosen += chosen.len();
        if self.chosen > MAX_CHOSEN {
            return Err(format!("condition: its patterns name more than {MAX_CHOSEN} selections"));
        }
        if chosen.is_empty() {
            return Err(format!("condition: no selection is named like `{pattern}`"));
        }
        Ok(if all { Expr::all(chosen) } else { Expr::any(chosen) })
    }

    /// The selections that a pattern means; names with `_` in front only if it has that in front too.
    fn chosen(&self, pattern: &'t str) -> impl Iterator<Item = usize> {
        let pattern = if pattern.eq_ignore_ascii_case("them") { "*" } else { pattern };
        let hidden = pattern.starts_with('_');
        self.names
            .iter()
            .enumerate()
            .filter(move |(_, name)| (hidden || !name.starts_with('_')) && is_like(pattern, name))
            .map(|(index, _)| index)
    }

    fn selection(&self, name: &str) -> Result<Expr, String> {
        if let Some(index) = self.names.iter().position(|n| n == name) {
            return Ok(Expr::Selection(index));
        }
        let hint = match nearest(name, self.names.iter().map(String::as_str)) {
            Some(near) => format!(": `{near}` is meant?"),
            None => String::new(),
        };
        Err(format!("condition: there is no selection `{name}`{hint}"))
    }
}

/// Whether a name is like a pattern in which `*` stands for anything.
fn is_like(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["a", "sel_1", "sel_2", "_hidden", "filter_main_x"];

    fn read(text: &str) -> Result<String, String> {
        parse(text, &NAMES.map(str::to_owned)).map(|expr| show(&expr))
    }

    fn show(expr: &Expr) -> String {
        let list = |parts: &[Expr]| parts.iter().map(show).collect::<Vec<_>>().join(" ");
        match expr {
            Expr::All(parts) => format!("(& {})", list(parts)),
            Expr::Any(parts) => format!("(| {})", list(parts)),
            Expr::Not(inner) => format!("!{}", show(inner)),
            Expr::Selection(index) => NAMES[*index].to_owned(),
            Expr::Item(_) => "item".to_owned(),
        }
    }

    #[test]
    fn reads_conditions() {
        let cases = [
            ("a", "a"),
            ("a and sel_1 or sel_2", "(| (& a sel_1) sel_2)"),
            ("a or sel_1 and sel_2", "(| a (& sel_1 sel_2))"),
            ("not a and sel_1", "(& !a sel_1)"),
            ("not (a or sel_1)", "!(| a sel_1)"),
            ("NOT a AND NOT sel_1", "(& !a !sel_1)"),
            ("not not a", "a"),
            ("1 of sel_*", "(| sel_1 sel_2)"),
            ("all of sel*", "(& sel_1 sel_2)"),
            ("1 of them", "(| a sel_1 sel_2 filter_main_x)"),
            ("any of *_1", "sel_1"),
            ("all of *l*1", "sel_1"),
            ("1 of _*", "_hidden"),
            ("a and not 1 of filter_*", "(& a !filter_main_x)"),
            ("((a)and(sel_1))", "(& a sel_1)"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_with_a_reason() {
        let cases = [
            ("", "ends where"),
            ("a and", "ends where"),
            ("a sel_1", "expected before `sel_1`"),
            ("(a", "`)` is missing"),
            ("a)", "expected before `)`"),
            ("sel_3", "`sel_1` is meant?"),
            ("1 of other*", "no selection is named like"),
            ("2 of sel*", "is not `1 of`"),
            ("a | count() > 5", "deprecated"),
            ("a near sel_1", "deprecated"),
        ];
        for (text, reason) in cases {
            let said = read(text).unwrap_err();
            assert!(said.contains(reason), "{text}: {said}");
        }
        assert!(read(&"(".repeat(MAX_DEPTH + 1)).unwrap_err().contains("deeper"));
        assert!(read(&"(".repeat(100_000)).unwrap_err().contains("more than"));
    }
}
