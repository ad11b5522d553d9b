//! Every name of the registry has its five rooms: kernels, operator, CPU twin, tests and rows of the benchmark.

use std::path::{Path, PathBuf};

use wgcnn::gpu::Capabilities;
use wgcnn::ops::registry::{Entry, REGISTRY};

use crate::common::rows::rows;
use crate::common::subject::Subject;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

#[test]
fn every_name_has_its_rooms() {
    let missing: Vec<String> = REGISTRY.iter().flat_map(missing_rooms).collect();
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

fn missing_rooms(entry: &Entry) -> Vec<String> {
    let name = entry.name;
    let mut missing = vec![];
    for room in ["src/ops", "src/reference", "tests/ops"] {
        let file = format!("{room}/{name}.rs");
        if !root().join(&file).is_file() && !root().join(room).join(name).join("mod.rs").is_file() {
            missing.push(format!("{name} has no {file}"));
        }
    }
    if rows(name).is_empty() {
        missing.push(format!("{name} has no row in benches/operators/rows.rs"));
    }
    let own = root().join("shaders").join(name);
    if !own.is_dir() {
        missing.extend(borrowed_kernels(entry).err().map(|error| format!("{name} has no {error}")));
    }
    missing
}

/// Checks that an operator without a folder of kernels runs on others' in both passes, as what only moves elements
/// does: what it dispatches is in `shaders/common` or in another operator's folder.
fn borrowed_kernels(entry: &Entry) -> Result<(), String> {
    for row in rows(entry.name) {
        let subject = Subject::of(&row.case(entry)?, entry)?;
        let webgpu = Capabilities::webgpu();
        let plan = subject.plan(&webgpu, false)?;
        let passes = subject.passes(&plan, &webgpu)?;
        if passes.forward.is_empty() || passes.backward.is_empty() {
            return Err(format!("shaders/{}, and dispatches nothing from elsewhere", entry.name));
        }
    }
    Ok(())
}

/// Every kernel is in some operator's dispatches.
#[test]
fn every_kernel_is_used() {
    let sources = text(&root().join("src"));
    for folder in std::fs::read_dir(root().join("shaders")).unwrap() {
        let folder = folder.unwrap().path();
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "wgsl")) {
            let [folder, kernel] = [&folder, &file].map(|path| path.file_stem().unwrap().to_str().unwrap());
            let name = format!("\"{folder}/{kernel}\"");
            assert!(sources.contains(&name), "nothing in src dispatches {}", file.display());
        }
    }
}

/// The text of all files under a folder.
fn text(folder: &Path) -> String {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        if path.is_dir() { text(&path) } else { std::fs::read_to_string(path).unwrap() }
    };
    std::fs::read_dir(folder).unwrap().map(read).collect()
}
