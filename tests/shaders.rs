//! Every kernel is a valid WGSL module by itself, keeps within WebGPU's default limits, and says what it is.

use std::path::{Path, PathBuf};

use naga::back::pipeline_constants::process_overrides;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, GlobalVariable, Module};
use wgcnn::ops::Function;
use wgcnn::ops::program::{Dispatch, Kernel};

/// WebGPU's default limits.
const MAX_INVOCATIONS: u32 = 256;
const MAX_WORKGROUP_BYTES: u32 = 16 << 10;
const MAX_STORAGE_BUFFERS: usize = 8;

#[test]
fn every_shader_is_valid_within_the_default_limits_and_documented() {
    let mut files = Vec::new();
    find(&shaders(), &mut files);
    assert!(!files.is_empty(), "there is no shader in {}", shaders().display());
    find(&shaders().with_file_name("benches"), &mut files);
    let failures: Vec<String> = files
        .iter()
        .filter_map(|file| check(file).err().map(|message| format!("{}: {message}", file.display())))
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn shaders() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders")
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "wgsl") {
            files.push(path);
        }
    }
}

fn check(file: &Path) -> Result<(), String> {
    let source = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    sections(&source)?;
    let (module, info) = validate(&source)?;
    let header = header(&source);
    if header.is_empty() {
        return Err("it does not begin with a comment that says what it computes".into());
    }
    // A file of sections for other kernels runs nothing itself.
    if module.entry_points.is_empty() && source.contains("// section ") {
        return Ok(());
    }
    documented(file, &header, &module)?;
    limits(&specialised(&module, &info)?)
}

/// A module with its override constants set: those without a default to 1.
fn specialised(module: &Module, info: &ModuleInfo) -> Result<Module, String> {
    let open = module.overrides.iter().filter(|(_, constant)| constant.init.is_none());
    let constants = open.filter_map(|(_, constant)| Some((constant.name.clone()?, 1.0))).collect();
    let set = process_overrides(module, info, None, &constants).map_err(|error| error.to_string())?;
    Ok(set.0.into_owned())
}

/// The comment that a file opens with.
fn header(source: &str) -> String {
    source.lines().map_while(|line| line.strip_prefix("//")).collect()
}

/// Checks that the sections of a file have an end each, of their name, and do not overlap: they are what the scheduler
/// replaces.
fn sections(source: &str) -> Result<(), String> {
    let mut open = None;
    for line in source.lines() {
        if let Some(section) = line.trim_start().strip_prefix("// section ") {
            let (name, what) = section.split_once(':').ok_or_else(|| format!("{line:?} lacks a colon"))?;
            if what.trim().is_empty() {
                return Err(format!("section {name:?} does not say what it is for"));
            }
            if let Some(outer) = open.replace(name) {
                return Err(format!("section {name:?} begins within section {outer:?}"));
            }
        } else if let Some(name) = line.trim_start().strip_prefix("// end ")
            && open.take() != Some(name)
        {
            return Err(format!("{line:?} does not end the section before it"));
        }
    }
    open.map_or(Ok(()), |name| Err(format!("section {name:?} has no end")))
}

/// Checks that the header speaks of every storage buffer by its name, and of what a workgroup or an invocation does. It
/// may leave that to another file, which it names.
fn documented(file: &Path, header: &str, module: &Module) -> Result<(), String> {
    let words = |text: &str| -> Vec<String> {
        let not_in_name = |c: char| !(c.is_alphanumeric() || "_./".contains(c));
        text.split(not_in_name).map(|word| word.trim_end_matches('.').to_owned()).collect()
    };
    let mut known = words(header);
    for other in known.clone().iter().filter(|word| word.ends_with(".wgsl")) {
        let places = [file.with_file_name(other), shaders().join(other)];
        let source = places.iter().find_map(|place| std::fs::read_to_string(place).ok());
        let source = source.ok_or_else(|| {
            format!("it names {other}, which is neither beside it nor in the folder of shaders")
        })?;
        known.extend(words(&self::header(&source)));
    }
    let says = |name: &str| known.iter().any(|word| word == name);
    let buffers = variables(module, |space| matches!(space, AddressSpace::Storage { .. }));
    if let Some(unsaid) = buffers.filter_map(|buffer| buffer.name.as_deref()).find(|name| !says(name)) {
        return Err(format!("its header does not say what {unsaid} is"));
    }
    if !["workgroup", "invocation"].into_iter().any(says) {
        return Err("its header does not say what a workgroup or an invocation owns".into());
    }
    Ok(())
}

/// Parses a module and checks it. Subgroup operations, `f16`, `u64` and cooperative matrices are allowed where the source
/// shows that it is a variant for devices that have them.
fn validate(source: &str) -> Result<(Module, ModuleInfo), String> {
    // The packing functions for f16 are in every WebGPU device.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    capabilities.set(Capabilities::SUBGROUP, source.contains("subgroup_invocation_id"));
    capabilities.set(Capabilities::SHADER_FLOAT16, source.contains("enable f16;"));
    capabilities.set(Capabilities::SHADER_INT64, source.contains("<u64>"));
    let matrices = source.contains("enable wgpu_cooperative_matrix;");
    capabilities.set(Capabilities::COOPERATIVE_MATRIX, matrices);
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| e.emit_to_string(source))?;
    Ok((module, info))
}

/// What several kernels share stands in each of them, as each is a module by itself, and is the same in all: how pixels and
/// taps are counted, how lines become points, and the words that the host tells them in one order.
#[test]
fn what_kernels_share_is_alike_everywhere() {
    let mut files = Vec::new();
    find(&shaders(), &mut files);
    let sources: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for section in ["places", "lines", "window", "sizes"] {
        let part = |source: &'_ String| {
            let (_, from) = source.split_once(&format!("// section {section}:"))?;
            from.split_once(&format!("// end {section}")).map(|(part, _)| part.to_owned())
        };
        let parts: Vec<String> = sources.iter().filter_map(part).collect();
        assert!(parts.len() > 1, "{} kernels have a section {section:?}", parts.len());
        assert!(parts.iter().all(|other| *other == parts[0]), "sections {section:?} differ");
    }
}

/// Every section of a file fits every file that has a section of that name.
#[test]
fn every_section_is_valid_wherever_it_may_be_put() {
    let mut files = Vec::new();
    find(&shaders(), &mut files);
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let kernels: Vec<Kernel> = files
        .iter()
        .map(|file| Kernel {
            name: leak(file.display().to_string()),
            source: leak(std::fs::read_to_string(file).unwrap()),
        })
        .collect();
    let having = |section: &str| -> Vec<&Kernel> {
        let line = format!("// section {section}:");
        let having: Vec<&Kernel> = kernels.iter().filter(|kernel| kernel.source.contains(&line)).collect();
        assert!(!having.is_empty(), "no kernel has a section {section:?}");
        having
    };
    let same = ["activation", "gradient", "matrix", "storage", "result", "plain", "pair", "taps"];
    let same = same.map(|section| (section, section));
    for (section, given) in same.into_iter().chain([("operand", "activation")]) {
        for giver in &having(given) {
            for taker in &having(section) {
                let dispatch = Dispatch::new("layer", **taker).borrow(section, &Function::new(**giver, &[]));
                let (source, variant) = (dispatch.source(), dispatch.variant());
                validate(&source).unwrap_or_else(|error| panic!("{variant}: {error}"));
            }
        }
    }
}

fn limits(module: &Module) -> Result<(), String> {
    let [entry] = &module.entry_points[..] else {
        return Err(format!("it has {} entry points, not one", module.entry_points.len()));
    };
    if entry.name != "main" {
        return Err(format!("its entry point is {:?}, not \"main\"", entry.name));
    }
    let invocations: u32 = entry.workgroup_size.iter().product();
    if invocations > MAX_INVOCATIONS {
        return Err(format!("a workgroup has {invocations} invocations, more than {MAX_INVOCATIONS}"));
    }
    let workgroup_bytes: u32 = variables(module, |space| space == AddressSpace::WorkGroup)
        .map(|variable| module.types[variable.ty].inner.size(module.to_ctx()))
        .sum();
    if workgroup_bytes > MAX_WORKGROUP_BYTES {
        return Err(format!(
            "it takes {workgroup_bytes} bytes of a workgroup, more than {MAX_WORKGROUP_BYTES}"
        ));
    }
    let buffers = variables(module, |space| matches!(space, AddressSpace::Storage { .. })).count();
    if buffers > MAX_STORAGE_BUFFERS {
        return Err(format!("it binds {buffers} storage buffers, more than {MAX_STORAGE_BUFFERS}"));
    }
    Ok(())
}

/// The module's variables in the spaces that are wanted.
fn variables(module: &Module, wanted: fn(AddressSpace) -> bool) -> impl Iterator<Item = &GlobalVariable> {
    module
        .global_variables
        .iter()
        .map(|(_, variable)| variable)
        .filter(move |variable| wanted(variable.space))
}
