//! Sections: the one step between a kernel's file and what the driver compiles.
//!
//! Every kernel is a valid module by itself. What differs from one use to the next is an override constant or a
//! word of the uniform. Where neither can do it, because a type or a function differs, the lines stand in a
//! section that says what it is for:
//!
//! ```wgsl
//! // section activation: what the scheduler fuses into the store. Another function is put here.
//! fn activate(x: vec4<f32>) -> vec4<f32> {
//!     return x;
//! }
//! // end activation
//! ```
//!
//! A dispatch may put the section of the same name of another file in its place: that of `relu/forward`, and the
//! convolution ends with a ReLU. Nothing else is done to a source, but that the directives of the other file
//! (`enable f16;`) come to stand at the front, and that functions get names of their own where there are several: a section
//! `operand` takes a section `activation`, so that a kernel can have both, and of several files' activations each is
//! applied to what the one before gave.
//!
//! | section | what it says |
//! | --- | --- |
//! | `activation` | `activate`, the function of an activation, and its constants |
//! | `operand` | `operand_activate`, the function that the right operand goes through: another file's `activation`, renamed |
//! | `gradient` | `gradient`, the gradient to an activation's input, and its constants |
//! | `storage` | `Quad`, `load` and `store`: how four channels of an activation lie in memory |
//! | `taps` | `keep`: where a max pool keeps which tap of a window won, if it does; its last bindings, and their `Params` |
//! | `matrix` | `SIZE` and the types of a device's cooperative matrices |
//! | `result` | `Result` and `store_result`: the same of an output that may be parts of a sum, always f32 |
//! | `plain` | `Plain` and `load_plain`: how four numbers lie that are in f32 however activations are stored |
//! | `pair` | `Pair`, `low` and `high`: the same of eight numbers that are read together |
//!
//! `places`, `window`, `sizes` and `lines` are never replaced: they mark what several kernels share, how pixels and taps are
//! counted, the words of the uniform that say the images and the window, and how the lines of a tile become lines of points.

use std::ops::Range;

use super::program::Kernel;

/// The source of `kernel` with these sections taken from other files. A section that one of the two does not
/// have stays as it is.
pub(crate) fn assemble(kernel: Kernel, sections: &[(&'static str, Kernel)]) -> String {
    let mut source = kernel.source.to_owned();
    for run in sections.chunk_by(|(name, _), (next, _)| name == next) {
        let name = run[0].0;
        let (giver, prefix) = if name == OPERAND { (ACTIVATION, "operand_") } else { (name, "") };
        let givers = run.iter().filter_map(|(_, other)| Some((other.source, find(other.source, giver)?)));
        let (files, given): (Vec<&str>, Vec<&str>) = givers.map(|(file, there)| (file, &file[there])).unzip();
        let Some(here) = find(&source, name) else { continue };
        match given[..] {
            [] => {}
            [only] => source.replace_range(here, &renamed(only, prefix)),
            ref several => source.replace_range(here, &chain(several, prefix)),
        }
        for directive in files.iter().flat_map(|file| file.lines()).filter(|line| line.starts_with("enable "))
        {
            if !source.contains(directive) {
                source.insert_str(0, &format!("{directive}\n"));
            }
        }
    }
    source
}

/// The section of the function of an activation.
const ACTIVATION: &str = "activation";
/// The section of the function that an operand goes through.
const OPERAND: &str = "operand";

/// The sections of several activations, and a function that applies one after the other, under names that begin with
/// `prefix`.
fn chain(sections: &[&str], prefix: &str) -> String {
    let prefixes: Vec<String> = (1..=sections.len()).map(|i| format!("{prefix}step{i}_")).collect();
    let declared = sections.iter().zip(&prefixes).map(|(section, prefix)| renamed(section, prefix));
    let applied = prefixes.iter().fold("x".to_owned(), |x, prefix| format!("{prefix}activate({x})"));
    let whole = format!("fn {prefix}activate(x: vec4<f32>) -> vec4<f32> {{\n    return {applied};\n}}\n");
    declared.collect::<String>() + &whole
}

/// The text of a section with `prefix` before the name of each function that it declares.
fn renamed(section: &str, prefix: &str) -> String {
    let declared = section.lines().filter_map(|line| line.strip_prefix("fn ")?.split('(').next());
    declared
        .fold(section.to_owned(), |text, name| text.replace(&format!("{name}("), &format!("{prefix}{name}(")))
}

/// Where a section stands, from its first line to the end of its last.
fn find(source: &str, name: &str) -> Option<Range<usize>> {
    let start = source.find(&format!("// section {name}:"))?;
    let end = format!("// end {name}\n");
    let length = source[start..].find(&end)? + end.len();
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: Kernel =
        Kernel { name: "a", source: "// a\n// section one: why\nfn f() {}\n// end one\nfn main() {}\n" };
    const OTHER: Kernel =
        Kernel { name: "b", source: "enable f16;\n// section one: other\nfn f() { g(); }\n// end one\n" };

    #[test]
    fn a_section_takes_the_place_of_another_with_its_directives() {
        let expected =
            "enable f16;\n// a\n// section one: other\nfn f() { g(); }\n// end one\nfn main() {}\n";
        assert_eq!(assemble(KERNEL, &[("one", OTHER)]), expected);
    }

    #[test]
    fn an_operand_takes_the_functions_of_an_activation_under_other_names() {
        let taker = Kernel { name: "a", source: "// section operand: why\nfn f() {}\n// end operand\n" };
        let giver = Kernel {
            name: "b",
            source: "// section activation: other\nfn h() {}\nfn g() { h(); }\n// end activation\n",
        };
        let expected = "// section activation: other\nfn operand_h() {}\nfn operand_g() { operand_h(); }\n// end activation\n";
        assert_eq!(assemble(taker, &[("operand", giver)]), expected);
    }

    #[test]
    fn activations_are_applied_one_after_the_other() {
        let taker =
            Kernel { name: "a", source: "// section activation: why\n// end activation\nfn main() {}\n" };
        let source = "// section activation: b\nfn h() {}\nfn activate() { h(); }\n// end activation\n";
        let first = Kernel { name: "b", source };
        let second =
            Kernel { name: "c", source: "// section activation: c\nfn activate() {}\n// end activation\n" };
        let expected = "// section activation: b\nfn step1_h() {}\nfn step1_activate() { step1_h(); }\n// end activation\n\
                        // section activation: c\nfn step2_activate() {}\n// end activation\n\
                        fn activate(x: vec4<f32>) -> vec4<f32> {\n    return step2_activate(step1_activate(x));\n}\n\
                        fn main() {}\n";
        assert_eq!(assemble(taker, &[("activation", first), ("activation", second)]), expected);
    }

    #[test]
    fn what_one_of_them_lacks_stays() {
        assert_eq!(assemble(KERNEL, &[("two", OTHER)]), KERNEL.source);
        assert_eq!(assemble(KERNEL, &[("on", OTHER)]), KERNEL.source);
    }
}
