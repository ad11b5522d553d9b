//! What a cached file is about.

use serde::{Deserialize, Serialize};
use wgpu::AdapterInfo;

use crate::gpu::{Capabilities, CooperativeMatrix};

/// The version of wgpu that the crate is built with, as far as it asks for one.
const WGPU: &str = "30";

/// All that must be the same for what was learned of a device to hold again: adapter, driver, wgpu, this crate, and
/// what kernels may use of the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    adapter: String,
    vendor: u32,
    device: u32,
    driver: String,
    driver_info: String,
    backend: String,
    subgroup_size: Option<u32>,
    shader_f16: bool,
    shader_int64: bool,
    /// The rows of cooperative matrices.
    cooperative_matrix: Option<usize>,
    max_workgroup_invocations: u32,
    wgpu: String,
    wgcnn: String,
}

impl Identity {
    /// The identity of an open device.
    pub fn new(info: &AdapterInfo, capabilities: &Capabilities) -> Self {
        Self {
            adapter: info.name.clone(),
            vendor: info.vendor,
            device: info.device,
            driver: info.driver.clone(),
            driver_info: info.driver_info.clone(),
            backend: info.backend.to_string(),
            subgroup_size: capabilities.subgroup_size,
            shader_f16: capabilities.shader_f16,
            shader_int64: capabilities.shader_int64,
            cooperative_matrix: capabilities.cooperative_matrix.map(CooperativeMatrix::size),
            max_workgroup_invocations: capabilities.max_workgroup_invocations,
            wgpu: WGPU.into(),
            wgcnn: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// A name for files about it: the adapter's, as far as file systems take it, and a number that differs where
    /// anything differs.
    pub fn file_name(&self) -> String {
        let mut name = String::new();
        for letter in self.adapter.chars().take(40) {
            if letter.is_ascii_alphanumeric() {
                name.push(letter.to_ascii_lowercase());
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        format!("{}-{:016x}", name.trim_matches('-'), checksum(self.text().as_bytes()))
    }

    /// All of it in one line.
    pub fn text(&self) -> String {
        format!("{self:?}")
    }
}

/// A number that damage to some bytes changes almost certainly: FNV-1a.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_wgpu_is_the_one_asked_for() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("\nwgpu = \"{WGPU}\"\n")));
    }

    #[test]
    fn a_files_name_tells_devices_apart() {
        let identity = Identity {
            adapter: "AMD Radeon™ RX/7900 (RADV)".into(),
            vendor: 1,
            device: 2,
            driver: "radv".into(),
            driver_info: "Mesa 25".into(),
            backend: "vulkan".into(),
            subgroup_size: Some(64),
            shader_f16: true,
            shader_int64: false,
            cooperative_matrix: None,
            max_workgroup_invocations: 1024,
            wgpu: WGPU.into(),
            wgcnn: "0.1.0".into(),
        };
        let name = identity.file_name();
        assert!(name.starts_with("amd-radeon-rx-7900-radv-"), "{name}");
        let newer = Identity { driver_info: "Mesa 26".into(), ..identity.clone() };
        let without = Identity { subgroup_size: None, ..identity };
        assert!(name != newer.file_name() && name != without.file_name());
    }
}
