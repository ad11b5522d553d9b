//! Every kernel is a valid WGSL module by itself, keeps within WebGPU's default limits, and says what it is.

use std::path::{Path, PathBuf};

use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module};

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
    let module = naga::front::wgsl::parse_str(&source).map_err(|e| e.emit_to_string(&source))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let capabilities = if name.contains("subgroup") { Capabilities::SUBGROUP } else { Capabilities::empty() };
    Validator::new(ValidationFlags::all(), capabilities)
        .validate(&module)
        .map_err(|e| e.emit_to_string(&source))?;
    limits(&module)
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
