//! Batches in chunks: where a tensor is larger than one binding may be, a layer runs over some samples after others.

use std::ops::Range;

use crate::gpu::Capabilities;
use crate::{Error, Result};

/// The samples of a batch in as few chunks as let no binding be too large, for a layer whose tensors take
/// `sample_bytes` for each sample. Each chunk begins where a binding may.
///
/// # Errors
/// [`Error::Limit`] where the fewest samples that can be bound are too many; it names `layer`.
pub(super) fn chunks(
    layer: &str,
    sample_bytes: &[usize],
    batch: usize,
    capabilities: &Capabilities,
) -> Result<Vec<Range<usize>>> {
    let largest = sample_bytes.iter().copied().max().unwrap_or(0).max(1);
    let limit = usize::try_from(capabilities.max_storage_binding).unwrap_or(usize::MAX);
    let fitting = limit / largest;
    if fitting >= batch {
        return Ok(std::iter::once(0..batch).collect());
    }
    let multiple = capabilities.bindable_samples(sample_bytes);
    let size = fitting / multiple * multiple;
    if size == 0 {
        let samples = multiple.min(batch);
        return Err(Error::Limit {
            what: format!("the largest tensor of layer {layer:?}, of {samples} of {batch} samples (bytes),"),
            needed: (samples * largest) as u64,
            limit_name: "maxStorageBufferBindingSize",
            limit: capabilities.max_storage_binding,
        });
    }
    Ok((0..batch).step_by(size).map(|start| start..batch.min(start + size)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(max_storage_binding: u64) -> Capabilities {
        Capabilities { max_storage_binding, ..Capabilities::webgpu() }
    }

    #[test]
    fn chunks_fit_and_begin_where_a_binding_may() {
        // 48 bytes a sample: 16 samples are a multiple of 256.
        let found = chunks("layer", &[48, 256], 70, &capabilities(40 * 256)).unwrap();
        assert_eq!(found, [0..32, 32..64, 64..70]);
        assert_eq!(chunks("layer", &[48, 256], 40, &capabilities(40 * 256)).unwrap().len(), 1);
    }

    #[test]
    fn one_sample_that_is_too_large_is_an_error() {
        let error = chunks("conv1", &[1024], 3, &capabilities(1000)).unwrap_err().to_string();
        assert!(error.contains("\"conv1\"") && error.contains("1024") && error.contains("1000"), "{error}");
    }
}
