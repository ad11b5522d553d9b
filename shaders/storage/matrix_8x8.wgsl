// Cooperative matrices of 8 x 8, for devices whose matrix units have these.
//
// A file of sections, put into the place of the kernels' own (src/ops/section.rs).

enable f16;
enable wgpu_cooperative_matrix;

// section matrix: the matrices of the device. Those of another size are put here.
const SIZE: u32 = 8;
alias MatrixA = coop_mat8x8<f16, A>;
alias MatrixB = coop_mat8x8<f16, B>;
alias MatrixC = coop_mat8x8<f32, C>;
// end matrix
