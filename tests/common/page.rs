//! `docs/operators.md`: what there is to say of every name in the registry.

use std::collections::BTreeSet;
use std::path::Path;

use wgcnn::ops::registry::{Build, REGISTRY};

use super::case::{self, Case};
use super::facts::{Attribute, Facts};

/// The heading of the part of the page that is measured.
pub const MEASURED: &str = "\n## The largest error seen\n";

const INTRODUCTION: &str = "\
# Operators

`./dev operators` writes this page: it asks every name of the registry for what it knows, plans the cases of
`tests/cases`, the benchmark's rows and random ones, and lists what is dispatched.

- **Attributes** are named as in the registry. A default that follows from something else is `…`.
- **Kernels** are files of `shaders/`, those without a folder in the operator's own.
- **Variants** stand for each other on different devices: `subgroup` kernels run where subgroup operations pay,
  `tiled` ones elsewhere.
- **f16**: whether activations can be stored in half precision. Parameters, sums and losses are f32 in any case.

";

/// The part of the page that does not depend on an adapter.
///
/// # Errors
/// Where a case cannot be read or planned.
pub fn page() -> Result<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let cases: Vec<Case> =
        case::files(&folder)?.iter().map(|file| Case::read(file)).collect::<Result<_, _>>()?;
    let [mut layers, mut losses, mut optimizers] = [vec![], vec![], vec![]];
    for entry in REGISTRY {
        let own: Vec<&Case> = cases.iter().filter(|case| case.operator == entry.name).collect();
        let facts = Facts::of(entry, &own).map_err(|error| format!("{}: {error}", entry.name))?;
        let attributes = list(facts.attributes.iter().map(|(name, attribute)| described(name, attribute)));
        let [forward, backward] = [&facts.forward, &facts.backward].map(|pass| kernels(entry.name, pass));
        let parameters = list(facts.parameters.iter().map(|parameter| format!("`{parameter}`")));
        let f16 = if facts.f16 { "yes" } else { "no" }.to_owned();
        let name = entry.name.to_owned();
        match entry.build {
            Build::Operator(_) => {
                layers.push(vec![name, attributes, parameters, forward, backward, variants(&facts), f16]);
            }
            Build::Loss(_) => losses.push(vec![name, attributes, forward, backward, f16]),
            Build::Optimizer(_) => optimizers.push(vec![name, attributes, forward]),
        }
    }
    let mut page = INTRODUCTION.to_owned();
    let columns = ["name", "attributes", "parameters", "forward", "backward", "variants", "f16"];
    page += &format!("## Layers\n\n{}\n", table(&columns, &layers));
    let columns = ["name", "attributes", "forward", "backward", "f16"];
    page += &format!("## Losses\n\n{}\n", table(&columns, &losses));
    page += &format!("## Optimizers\n\n{}", table(&["name", "attributes", "update"], &optimizers));
    Ok(page)
}

/// A table in Markdown.
pub fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let rule = " --- |".repeat(columns.len());
    let rows: String = rows.iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
    format!("| {} |\n|{rule}\n{rows}", columns.join(" | "))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "–".into() } else { items.join(", ") }
}

/// An attribute and its default.
fn described(name: &str, attribute: &Attribute) -> String {
    let mut defaults = attribute.defaults.iter();
    match (defaults.next().map(String::as_str), defaults.next()) {
        _ if attribute.required => format!("`{name}` (required)"),
        (Some("None") | None, None) => format!("`{name}`"),
        (Some(only), None) => format!("`{name}` {}", shortest(only)),
        _ => format!("`{name}` …"),
    }
}

/// A number as short as tells it from others of f32, which is what most attributes are kept as.
fn shortest(number: &str) -> String {
    match number.parse::<f64>() {
        Ok(double) if number.contains(['.', 'e']) && double == f64::from(double as f32) => {
            format!("{:?}", double as f32)
        }
        _ => number.into(),
    }
}

fn kernels(operator: &str, kernels: &[&str]) -> String {
    let own = format!("{operator}/");
    list(kernels.iter().map(|kernel| format!("`{}`", kernel.strip_prefix(&own).unwrap_or(kernel))))
}

fn variants(facts: &Facts) -> String {
    let names: BTreeSet<&str> =
        facts.variants.iter().filter_map(|kernel| kernel.rsplit('_').next()).collect();
    list(names.into_iter().map(str::to_owned))
}
