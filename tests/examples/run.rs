//! Running an example.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A run of an example that ended.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs an example with arguments and environment variables.
pub fn run(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let binary = examples().join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.exists(), "{} is missing: cargo build --examples", binary.display());
    let output = Command::new(binary).args(arguments).envs(variables.iter().copied()).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    Run { code: status.code(), stdout, stderr }
}

/// The folder of the built examples, beside that of this test.
fn examples() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("examples")
}

/// An empty folder of that name, for one test.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The path as an argument.
pub fn argument(path: &Path) -> &str {
    path.to_str().unwrap()
}
