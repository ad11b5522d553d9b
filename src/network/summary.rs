//! A network as a table.

use std::fmt;

use crate::shape::{ReceptiveField, Shape};

use super::graph::Network;

/// What a layer computes and costs. Numbers are for one sample and a pass forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The layer's name.
    pub layer: String,
    /// The operator's name.
    pub operator: &'static str,
    /// The shape of the output.
    pub output: Shape,
    /// What a position sees of the network's input; `None` where it is the whole of it.
    pub receptive_field: Option<ReceptiveField>,
    /// The number of learned values.
    pub parameters: usize,
    /// The number of values in buffers, running statistics for instance.
    pub buffers: usize,
    /// Floating-point operations, a multiply-add counted as two.
    pub flops: u64,
    /// The output's size in bytes, in f32 and without the padding it may have on a device.
    pub bytes: usize,
}

/// A network as a table: a row for each layer, and totals. Print it with `{}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The shapes of the network's inputs.
    pub inputs: Vec<Shape>,
    /// The layers in their order.
    pub rows: Vec<Row>,
    /// How many of the learned values are frozen.
    pub frozen: usize,
}

impl Network {
    /// What each layer computes and costs.
    pub fn summary(&self) -> Summary {
        let mut fields = vec![Some(ReceptiveField::INPUT); self.inputs.len()];
        let mut rows = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let shapes = self.input_shapes(node);
            let output = self.shape(node.output);
            let seen = node.inputs.iter().map(|input| fields[input.0]);
            let joined = seen.reduce(|a, b| Some(a?.join(b?))).flatten();
            let field = joined
                .filter(|_| !node.operator.is_global())
                .map(|field| node.operator.geometry(&shapes).map_or(field, |window| field.through(&window)));
            fields.push(field);
            let kept = node.parameters.iter().map(|id| &self.parameters[id.0]);
            let values =
                |buffer| kept.clone().filter(|p| p.spec.buffer == buffer).map(|p| p.value.len()).sum();
            rows.push(Row {
                layer: node.name.clone(),
                operator: node.operator.name(),
                output,
                receptive_field: field,
                parameters: values(false),
                buffers: values(true),
                flops: node.operator.cost(&shapes, output).flops,
                bytes: bytes(output),
            });
        }
        let learned = self.parameters.iter().filter(|p| !p.spec.buffer);
        let frozen = learned.filter(|p| !p.trainable).map(|p| p.value.len()).sum();
        Summary { inputs: self.inputs.iter().map(|input| self.shape(*input)).collect(), rows, frozen }
    }
}

impl Summary {
    /// The number of learned values.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// The number of values in buffers.
    pub fn buffers(&self) -> usize {
        self.rows.iter().map(|row| row.buffers).sum()
    }

    /// Floating-point operations of one sample forward.
    pub fn flops(&self) -> u64 {
        self.rows.iter().map(|row| row.flops).sum()
    }

    /// The bytes of all layers' outputs for one sample.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(|row| row.bytes).sum()
    }
}

const HEADER: [&str; 8] =
    ["layer", "operator", "output", "receptive field", "stride", "parameters", "FLOPs", "memory"];

/// The columns from here on hold numbers and are aligned to the right.
const FIRST_NUMBER: usize = 5;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = vec![HEADER.map(String::from)];
        for shape in &self.inputs {
            let [field, stride] = show_field(Some(ReceptiveField::INPUT));
            let none = String::new;
            table.push([
                "input".into(),
                none(),
                shape.to_string(),
                field,
                stride,
                none(),
                none(),
                size(bytes(*shape)),
            ]);
        }
        for row in &self.rows {
            let [field, stride] = show_field(row.receptive_field);
            table.push([
                row.layer.clone(),
                row.operator.into(),
                row.output.to_string(),
                field,
                stride,
                thousands(row.parameters),
                scaled(row.flops),
                size(row.bytes),
            ]);
        }
        let mut total: [String; 8] = Default::default();
        total[0] = "total".into();
        total[5] = thousands(self.parameters());
        total[6] = scaled(self.flops());
        total[7] = size(self.bytes());
        table.push(total);

        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 8] = std::array::from_fn(width);
        let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
        for (i, row) in table.iter().enumerate() {
            if i == 1 || i + 1 == table.len() {
                writeln!(f, "{rule}")?;
            }
            write_row(f, row, &widths)?;
        }
        if self.frozen > 0 {
            writeln!(f, "{} of the parameters are frozen", thousands(self.frozen))?;
        }
        if self.buffers() > 0 {
            writeln!(
                f,
                "{} values more are in buffers, which no optimizer changes",
                thousands(self.buffers())
            )?;
        }
        write!(f, "FLOPs and memory (outputs in f32) are those of one sample, forward")
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &[String; 8], widths: &[usize; 8]) -> fmt::Result {
    let mut line = String::new();
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let gap = if column == 0 { "" } else { "  " };
        line += &if column < FIRST_NUMBER {
            format!("{gap}{cell:<width$}")
        } else {
            format!("{gap}{cell:>width$}")
        };
    }
    writeln!(f, "{}", line.trim_end())
}

/// The size of the field and its stride; `whole` where it is all of the input.
fn show_field(field: Option<ReceptiveField>) -> [String; 2] {
    match field {
        Some(ReceptiveField { size, stride }) => [size, stride].map(|[h, w]| format!("{h}x{w}")),
        None => ["whole".into(), String::new()],
    }
}

/// The size of one sample in f32.
fn bytes(shape: Shape) -> usize {
    shape.len() * size_of::<f32>()
}

fn size(bytes: usize) -> String {
    if bytes < 1024 { format!("{bytes} B") } else { format!("{:.1} KiB", bytes as f64 / 1024.0) }
}

/// `1,234,567`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2.6 M`.
fn scaled(number: u64) -> String {
    let mut value = number as f64;
    let mut units = ["", " k", " M", " G", " T"].iter().peekable();
    // 999.95 would be shown as 1000.0.
    while value >= 999.95 && units.len() > 1 {
        value /= 1000.0;
        units.next();
    }
    match units.next() {
        Some(unit) if !unit.is_empty() => format!("{value:.1}{unit}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1.0 k"),
            (999_949, "999.9 k"),
            (999_950, "1.0 M"),
            (2_600_000, "2.6 M"),
            (3_870_000_000, "3.9 G"),
            (12_000_000_000_000_000, "12000.0 T"),
        ] {
            assert_eq!(scaled(number), text);
        }
        assert_eq!(
            [0, 999, 1_000, 454_922, 1_000_000].map(thousands),
            ["0", "999", "1,000", "454,922", "1,000,000"]
        );
    }
}
