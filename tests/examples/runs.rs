//! Short runs that succeed.

use std::fs::File;
use std::io::BufReader;

use wgcnn::data;

use crate::run::{Run, argument, folder, run};

/// The accuracy that the last line states.
fn accuracy(run: &Run) -> f32 {
    let last = run.stdout.lines().last().unwrap_or_default();
    let number = last.strip_prefix("test accuracy ").and_then(|rest| rest.strip_suffix(" %"));
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{last:?}\n{}", run.stderr))
}

#[test]
fn digits_learn_and_leave_pictures_and_a_network() {
    let output = folder("learn");
    let arguments = ["--epochs", "2", "--subset", "256", "--output", argument(&output)];
    let first = run("digits", &arguments, &[]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert!(accuracy(&first) > 50.0, "{}", first.stdout);
    for picture in ["predictions.png", "filters.png", "curves.png"] {
        let file = BufReader::new(File::open(output.join(picture)).unwrap());
        let mut picture = png::Decoder::new(file).read_info().unwrap();
        let mut bytes = vec![0; picture.output_buffer_size().unwrap()];
        picture.next_frame(&mut bytes).unwrap();
        assert!(bytes.iter().any(|byte| *byte != bytes[0]));
    }
    let saved = std::fs::read(output.join("network.safetensors")).unwrap();

    let again = run("digits", &arguments, &[]);
    assert_eq!(accuracy(&again), accuracy(&first));
    assert_eq!(std::fs::read(output.join("network.safetensors")).unwrap(), saved, "one seed, two networks");
    let (_, test) = data::digits().unwrap().hold_out(3);
    assert!(first.stdout.contains(&format!("{} to test on", test.len())), "{}", first.stdout);
}

#[test]
fn every_network_trains() {
    for network in ["lenet", "residual", "mlp"] {
        let output = folder(network);
        let arguments =
            ["--network", network, "--epochs", "1", "--subset", "64", "--output", argument(&output)];
        let run = run("digits", &arguments, &[]);
        assert_eq!(run.code, Some(0), "{network}: {}", run.stderr);
        assert!(accuracy(&run) > 0.0);
    }
}

#[test]
fn without_an_adapter_the_reference_trains_and_says_so() {
    let output = folder("no-adapter");
    let arguments = ["--epochs", "1", "--subset", "64", "--output", argument(&output)];
    // No Vulkan driver, and Vulkan alone.
    let nothing = [("VK_DRIVER_FILES", "/nonexistent"), ("WGPU_BACKEND", "vulkan")];
    let run = run("digits", &arguments, &nothing);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("WARNING: Training goes on WITHOUT A GPU"), "{}", run.stderr);
    assert!(run.stderr.contains("Install a Vulkan driver"), "{}", run.stderr);
    assert!(run.stdout.contains("adapter: none"), "{}", run.stdout);
    accuracy(&run);
}
