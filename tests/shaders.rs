//! Every kernel is a valid WGSL module by itself, keeps within WebGPU's default limits, and says what it is.

use std::path::{Path, PathBuf};

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module};
use wgcnn::ops::Function;
use wgcnn::ops::program::{Dispatch, Kernel};

/// WebGPU's default limits.
const MAX_INVOCATIONS: u32 = 256;
const MAX_WORKGROUP_BYTES: u32 = 16 << 10;
const MAX_STORAGE_BUFFERS: usize = 8;

#[test]
fn every_shader_is_valid_within_the_default_limits_and_documented() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut files = Vec::new();
    find(&folder, &mut files);
    assert!(!files.is_empty(), "there is no shader in {}", folder.display());
    let failures: Vec<String> = files
        .iter()
        .filter_map(|file| check(file).err().map(|message| format!("{}: {message}", file.display())))
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
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
    if !source.starts_with("// ") {
        return Err("it does not begin with a comment that says what it computes".into());
    }
    let module = validate(&source)?;
    // A file of sections for other kernels runs nothing itself.
    if file.parent().is_some_and(|folder| folder.ends_with("storage")) {
        return Ok(());
    }
    limits(&module)
}

/// Parses a module and checks it. Subgroup operations and `f16` are allowed where the source shows that it is a variant
/// for devices that have them.
fn validate(source: &str) -> Result<Module, String> {
    // The packing functions for f16 are in every WebGPU device.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    capabilities.set(Capabilities::SUBGROUP, source.contains("subgroup_invocation_id"));
    capabilities.set(Capabilities::SHADER_FLOAT16, source.contains("enable f16;"));
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| e.emit_to_string(source))?;
    Ok(module)
}

/// Every section of a file fits every file that has a section of that name.
#[test]
fn every_section_is_valid_wherever_it_may_be_put() {
    let mut files = Vec::new();
    find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders"), &mut files);
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let kernels: Vec<Kernel> = files
        .iter()
        .map(|file| Kernel {
            name: leak(file.display().to_string()),
            source: leak(std::fs::read_to_string(file).unwrap()),
        })
        .collect();
    for section in ["activation", "gradient", "storage"] {
        let has = |kernel: &&Kernel| kernel.source.contains(&format!("// section {section}:"));
        let having: Vec<&Kernel> = kernels.iter().filter(has).collect();
        assert!(!having.is_empty(), "no kernel has a section {section:?}");
        for giver in &having {
            for taker in &having {
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
    let variables = |wanted: fn(AddressSpace) -> bool| {
        module.global_variables.iter().map(|(_, variable)| variable).filter(move |v| wanted(v.space))
    };
    let workgroup_bytes: u32 = variables(|space| space == AddressSpace::WorkGroup)
        .map(|variable| module.types[variable.ty].inner.size(module.to_ctx()))
        .sum();
    if workgroup_bytes > MAX_WORKGROUP_BYTES {
        return Err(format!(
            "it takes {workgroup_bytes} bytes of a workgroup, more than {MAX_WORKGROUP_BYTES}"
        ));
    }
    let buffers = variables(|space| matches!(space, AddressSpace::Storage { .. })).count();
    if buffers > MAX_STORAGE_BUFFERS {
        return Err(format!("it binds {buffers} storage buffers, more than {MAX_STORAGE_BUFFERS}"));
    }
    Ok(())
}
