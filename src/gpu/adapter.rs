//! The choice of an adapter.

use wgpu::{
    Adapter, AdapterInfo, Backend, Backends, DeviceType, DownlevelFlags, Instance, InstanceDescriptor,
};

use crate::{Error, Result};

/// The names of the adapters that can run compute shaders, best first, as [`ContextBuilder`](super::ContextBuilder)
/// would choose among them. `WGPU_BACKEND` narrows the search.
pub fn adapters() -> Vec<String> {
    candidates(&instance()).iter().map(|adapter| describe(&adapter.get_info())).collect()
}

/// An instance over all backends, or those that `WGPU_BACKEND` names.
pub(super) fn instance() -> Instance {
    let mut descriptor = InstanceDescriptor::new_without_display_handle();
    descriptor.flags = wgpu::InstanceFlags::empty();
    Instance::new(descriptor.with_env())
}

/// The adapter whose name contains `name`, or without a name the best one.
pub(super) fn choose(instance: &Instance, name: Option<&str>) -> Result<Adapter> {
    let candidates = candidates(instance);
    if candidates.is_empty() {
        let searched = match std::env::var("WGPU_BACKEND") {
            Ok(backend) => format!("WGPU_BACKEND={backend}"),
            Err(_) => "Vulkan, Metal, Direct3D 12 and OpenGL".into(),
        };
        return Err(Error::NoAdapter { searched });
    }
    let Some(name) = name else {
        return candidates.into_iter().next().ok_or_else(|| Error::NoAdapter { searched: "all".into() });
    };
    let available = candidates.iter().map(|adapter| adapter.get_info().name).collect();
    let wanted = name.to_lowercase();
    candidates
        .into_iter()
        .find(|adapter| describe(&adapter.get_info()).to_lowercase().contains(&wanted))
        .ok_or(Error::AdapterNotFound { wanted: name.into(), available })
}

/// Name, driver and backend in one line.
pub(super) fn describe(info: &AdapterInfo) -> String {
    let driver = [info.driver.as_str(), info.driver_info.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    format!("{} ({driver}, {})", info.name, info.backend)
}

/// All adapters that can compute, best first.
fn candidates(instance: &Instance) -> Vec<Adapter> {
    let mut adapters: Vec<Adapter> = pollster::block_on(instance.enumerate_adapters(Backends::all()))
        .into_iter()
        .filter(|adapter| {
            adapter.get_downlevel_capabilities().flags.contains(DownlevelFlags::COMPUTE_SHADERS)
        })
        .collect();
    adapters.sort_by_key(|adapter| rank(&adapter.get_info()));
    adapters
}

/// Smaller is better: real GPUs before software, native interfaces before OpenGL.
fn rank(info: &AdapterInfo) -> (u8, u8) {
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => 0,
        DeviceType::IntegratedGpu => 1,
        DeviceType::VirtualGpu => 2,
        DeviceType::Other => 3,
        DeviceType::Cpu => 4,
    };
    let backend = match info.backend {
        Backend::Vulkan | Backend::Metal => 0,
        Backend::Dx12 => 1,
        Backend::BrowserWebGpu => 2,
        Backend::Gl => 3,
        Backend::Noop => 4,
    };
    (kind, backend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_lists_the_adapters() {
        match choose(&instance(), Some("no such adapter")) {
            Err(error @ Error::AdapterNotFound { .. }) => {
                assert!(error.to_string().contains("no adapter's name contains \"no such adapter\""));
            }
            Err(Error::NoAdapter { .. }) => {}
            other => panic!("expected an error, got {other:?}"),
        }
    }
}
