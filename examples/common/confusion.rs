//! Which classes are taken for which.

use std::fmt;

/// How often each class (row) was taken for each (column).
pub struct Confusion<'a> {
    classes: &'a [&'a str],
    counts: Vec<usize>,
}

impl<'a> Confusion<'a> {
    /// Counts pairs of the true class and the predicted one.
    pub fn new(classes: &'a [&'a str], pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![0; classes.len() * classes.len()];
        for (truth, guess) in pairs {
            counts[truth * classes.len() + guess] += 1;
        }
        Self { classes, counts }
    }

    /// Row and column for a class: how many images are of it, and how many were taken for it.
    fn totals(&self, class: usize) -> (usize, usize) {
        let n = self.classes.len();
        let row = self.counts[class * n..(class + 1) * n].iter().sum();
        (row, (0..n).map(|truth| self.counts[truth * n + class]).sum())
    }
}

impl fmt::Display for Confusion<'_> {
    /// A table with the recall of each class beside its row, and the precision under its column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.classes.len();
        let name =
            self.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).max("precision".len());
        let percent = |part: usize, whole: usize| match whole {
            0 => "-".into(),
            _ => format!("{:.1}", 100.0 * part as f64 / whole as f64),
        };
        let short: Vec<String> = self.classes.iter().map(|class| class.chars().take(6).collect()).collect();
        write!(f, "{:name$}", "true")?;
        short.iter().try_for_each(|class| write!(f, " {class:>6}"))?;
        writeln!(f, "  recall %")?;
        for (truth, class) in self.classes.iter().enumerate() {
            write!(f, "{class:name$}")?;
            for count in &self.counts[truth * n..(truth + 1) * n] {
                if *count == 0 { write!(f, " {:>6}", ".")? } else { write!(f, " {count:>6}")? }
            }
            writeln!(f, " {:>9}", percent(self.counts[truth * n + truth], self.totals(truth).0))?;
        }
        write!(f, "{:name$}", "precision")?;
        for class in 0..n {
            write!(f, " {:>6}", percent(self.counts[class * n + class], self.totals(class).1))?;
        }
        Ok(())
    }
}
