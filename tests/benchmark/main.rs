//! The arithmetic of the benchmark: what it makes of the times that it measures.

#[path = "../../benches/ceilings.rs"]
mod ceilings;
#[path = "../../benches/cost.rs"]
mod cost;
#[path = "../../benches/report"]
mod report {
    #[allow(dead_code, reason = "nothing is printed here")]
    pub mod compare;
}
#[path = "../../benches/row.rs"]
#[allow(dead_code, reason = "rows are made of times alone here")]
mod row;
#[path = "../../benches/statistics.rs"]
mod statistics;

mod tests {
    mod ceilings;
    mod compare;
    mod cost;
    mod statistics;
}
