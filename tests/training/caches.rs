//! Files that outlive a process: what is in them is used again, and what is wrong with them does no harm.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use wgcnn::gpu::Context;
use wgcnn::network::Network;
use wgcnn::ops::{AdaptiveAvgPool2d, Prelu, Problem};
use wgcnn::schedule::{Tuning, tune};

use crate::fixture::{BATCH, batch, trainer};
use crate::tuning::Doubling;

/// A folder of its own for a test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wgcnn-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn context(&self) -> Context {
        Context::builder().cache_dir(&self.0).build().unwrap()
    }

    /// The loss of a first step, of a network whose kernels a driver compiles sooner than those of products: every context
    /// here has to have them compiled anew.
    fn loss(&self) -> f32 {
        let network = Network::builder([1, 12, 12]).layer("pool", AdaptiveAvgPool2d::new(2));
        let network = network.layer("prelu", Prelu::new()).flatten().build().unwrap();
        let context = self.context();
        let loss = trainer(&context, network).step(&batch(BATCH)).unwrap().wait().unwrap().loss;
        context.save_caches();
        loss
    }

    /// Its files with this ending.
    fn files(&self, ending: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.to_str().unwrap().ends_with(ending)).collect()
    }

    fn file(&self, ending: &str) -> PathBuf {
        let files = self.files(ending);
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    /// How many candidates are measured by a new process, as it were.
    fn measured(&self, tuning: Tuning) -> usize {
        let problem = Doubling::new("doubling", &[("one", "x + x"), ("other", "2.0 * x")]);
        let trials = Arc::clone(&problem.trials);
        let problem: Arc<dyn Problem> = Arc::new(problem);
        let choices = tune(&self.context(), &[problem], tuning).unwrap();
        assert!(choices.get("doubling").is_some());
        trials.load(Ordering::Relaxed)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn choices_are_remembered_until_more_is_asked_for() {
    let folder = Folder::new("choices");
    assert_eq!(folder.measured(Tuning::Quick), 2);
    assert_eq!(folder.measured(Tuning::Quick), 0);
    assert_eq!(folder.measured(Tuning::Full), 2);
    assert_eq!(folder.measured(Tuning::Quick), 0);
    assert_eq!(folder.files(".tmp").len(), 0);
}

#[test]
fn a_damaged_or_foreign_file_of_choices_is_made_anew() {
    let folder = Folder::new("damaged");
    assert_eq!(folder.measured(Tuning::Quick), 2);
    let path = folder.file(".choices.json");
    let good = fs::read_to_string(&path).unwrap();
    let foreign = [
        good.replace("\"format\": 1", "\"format\": 999"),
        good.replace(&format!("\"wgcnn\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"wgcnn\": \"0.0.1\""),
        good.replace("\"vendor\": ", "\"vendor\": 1"),
    ];
    assert!(foreign.iter().all(|other| *other != good));
    let damaged = [&good[..good.len() / 2], "", "{}", "no JSON\u{0}", "[1, 2, 3]"].map(String::from);
    for other in damaged.into_iter().chain(foreign) {
        fs::write(&path, &other).unwrap();
        assert_eq!(folder.measured(Tuning::Quick), 2, "{other}");
        assert_eq!(folder.measured(Tuning::Quick), 0, "made anew after {other}");
    }
    let unknown = good.replace("\"one\"", "\"gone\"").replace("\"other\"", "\"gone\"");
    fs::write(&path, unknown).unwrap();
    assert_eq!(folder.measured(Tuning::Quick), 2, "a variant that is no more");
}

#[test]
fn without_a_place_for_files_everything_works() {
    let folder = Folder::new("unwritable");
    // A file where the folder should be.
    fs::write(&folder.0, "in the way").unwrap();
    assert_eq!(folder.measured(Tuning::Quick), 2);
    assert_eq!(folder.measured(Tuning::Quick), 2);
    folder.loss();
    assert_eq!(fs::read_to_string(&folder.0).unwrap(), "in the way");
    fs::remove_file(&folder.0).unwrap();
}

#[test]
fn writers_at_the_same_time_leave_a_whole_file() {
    let folder = Folder::new("writers");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = &folder;
            scope.spawn(move || {
                let context = folder.context();
                for i in 0..5 {
                    let key = format!("doubling {writer} {i}");
                    let problem: Arc<dyn Problem> =
                        Arc::new(Doubling::new(&key, &[("one", "x + x"), ("other", "2.0 * x")]));
                    tune(&context, &[problem], Tuning::Quick).unwrap();
                }
            });
        }
    });
    let text = fs::read_to_string(folder.file(".choices.json")).unwrap();
    let contents: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(!contents["choices"].as_object().unwrap().is_empty());
    assert_eq!(folder.files(".tmp").len(), 0);
}

#[test]
fn pipelines_are_kept_and_a_damaged_file_of_them_reaches_no_driver() {
    let folder = Folder::new("pipelines");
    let wanted = folder.loss();
    if folder.context().device().features().contains(wgpu::Features::PIPELINE_CACHE) {
        let path = folder.file(".pipelines.bin");
        let good = fs::read(&path).unwrap();
        let mut flipped = good.clone();
        let middle = good.len() / 2;
        flipped[middle] ^= 1;
        for damaged in [good[..good.len() - 1].to_vec(), good[..10].to_vec(), vec![], flipped, vec![7; 1000]]
        {
            fs::write(&path, &damaged).unwrap();
            assert_eq!(folder.loss(), wanted);
            assert_ne!(fs::read(&path).unwrap(), damaged, "made anew");
        }
    }
    assert_eq!(folder.loss(), wanted);
}
