//! The one list of operators, losses and optimizers, by name.
//!
//! Tools that meet operators as data (the conformance cases, an importer) build them from here.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::{Loss, Operator, Optimizer, Reduction, Refusal};
use crate::shape::Axis;

/// All that can be built by name, in alphabetical order. Adding an operator adds its line here.
pub const REGISTRY: &[Entry] = &[
    optimizer::<super::Adam>(),
    optimizer::<super::AdamW>(),
    operator::<super::AdaptiveAvgPool2d>(),
    operator::<super::AdaptiveMaxPool2d>(),
    operator::<super::Add>(),
    operator::<super::AvgPool2d>(),
    operator::<super::BatchNorm>(),
    loss::<super::BceWithLogits>(),
    operator::<super::Concat>(),
    operator::<super::Conv2d>(),
    operator::<super::ConvTranspose2d>(),
    operator::<super::Crop>(),
    loss::<super::CrossEntropy>(),
    operator::<super::Dropout>(),
    operator::<super::Elu>(),
    operator::<super::Flatten>(),
    operator::<super::Gelu>(),
    loss::<super::Giou>(),
    operator::<super::GlobalAvgPool2d>(),
    operator::<super::GlobalMaxPool2d>(),
    operator::<super::GroupNorm>(),
    operator::<super::HardSigmoid>(),
    operator::<super::HardSwish>(),
    operator::<super::HardTanh>(),
    loss::<super::L1>(),
    operator::<super::LeakyRelu>(),
    operator::<super::Linear>(),
    operator::<super::LocalResponseNorm>(),
    operator::<super::LogSoftmax>(),
    operator::<super::LpPool2d>(),
    operator::<super::MaxPool2d>(),
    loss::<super::Mse>(),
    operator::<super::Mul>(),
    loss::<super::NllLoss>(),
    operator::<super::Pad2d>(),
    operator::<super::Prelu>(),
    operator::<super::Relu>(),
    operator::<super::Relu6>(),
    operator::<super::Reshape>(),
    optimizer::<super::RmsProp>(),
    optimizer::<super::Sgd>(),
    operator::<super::Sigmoid>(),
    loss::<super::SigmoidFocal>(),
    operator::<super::Silu>(),
    loss::<super::SmoothL1>(),
    operator::<super::Softmax>(),
    operator::<super::Softplus>(),
    operator::<super::Split>(),
    operator::<super::Tanh>(),
    operator::<super::UpsampleBilinear2d>(),
    operator::<super::UpsampleNearest2d>(),
];

/// One name of the registry.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The name, that of the operator's five rooms.
    pub name: &'static str,
    /// How to make one from attributes.
    pub build: Build,
}

/// What a name stands for, with its constructor.
#[derive(Debug, Clone, Copy)]
pub enum Build {
    /// A layer's operator.
    Operator(fn(&Attributes) -> Result<Box<dyn Operator>, Refusal>),
    /// A loss.
    Loss(fn(&Attributes) -> Result<Box<dyn Loss>, Refusal>),
    /// An optimizer.
    Optimizer(fn(&Attributes) -> Result<Box<dyn Optimizer>, Refusal>),
}

/// The entry called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}

/// Something that can be made from named attributes.
pub trait FromAttributes: Sized {
    /// Its name in the registry.
    const NAME: &'static str;

    /// Reads the attributes; those that are absent have PyTorch's defaults.
    ///
    /// # Errors
    /// Names the attribute, its value and what would be accepted.
    fn from_attributes(attributes: &Attributes) -> Result<Self, Refusal>;
}

const fn operator<O: Operator + FromAttributes + 'static>() -> Entry {
    Entry { name: O::NAME, build: Build::Operator(|a| Ok(Box::new(a.read::<O>()?))) }
}

const fn loss<L: Loss + FromAttributes + 'static>() -> Entry {
    Entry { name: L::NAME, build: Build::Loss(|a| Ok(Box::new(a.read::<L>()?))) }
}

const fn optimizer<O: Optimizer + FromAttributes + 'static>() -> Entry {
    Entry { name: O::NAME, build: Build::Optimizer(|a| Ok(Box::new(a.read::<O>()?))) }
}

/// Named attributes, and the shapes of the parameters that come with them.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    values: Map<String, Value>,
    parameters: BTreeMap<String, Vec<usize>>,
    /// Copies share it.
    asked: Arc<Mutex<BTreeMap<String, Asked>>>,
}

/// An attribute that somebody asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What stands for it where it is absent.
    pub default: String,
    /// What it must be, in words.
    pub wanted: &'static str,
}

impl Attributes {
    /// Makes a `T` of them.
    ///
    /// # Errors
    /// What [`FromAttributes::from_attributes`] refuses, and an attribute that it does not know.
    fn read<T: FromAttributes>(&self) -> Result<T, Refusal> {
        let made = T::from_attributes(self)?;
        let asked = self.asked();
        match self.values.keys().find(|name| !asked.contains_key(*name)) {
            None => Ok(made),
            Some(name) if asked.is_empty() => {
                Err(format!("attribute {name} is unknown; {} has no attributes", T::NAME))
            }
            Some(name) => {
                let known: Vec<_> = asked.into_keys().collect();
                Err(format!("attribute {name} is unknown; {} has {}", T::NAME, known.join(", ")))
            }
        }
    }

    /// The attributes that have been asked for, by name: those that an operator knows, once it was made.
    pub fn asked(&self) -> BTreeMap<String, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// Where the text is not a JSON object.
    pub fn from_json(json: &str) -> Result<Self, Refusal> {
        let values =
            serde_json::from_str(json).map_err(|e| format!("attributes are not a JSON object: {e}"))?;
        Ok(Self { values, ..Self::default() })
    }

    /// Sets attribute `name`.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// Says that there is a parameter `name` of this shape.
    pub fn with_parameter(mut self, name: &str, shape: &[usize]) -> Self {
        self.parameters.insert(name.into(), shape.into());
        self
    }

    /// The shape of parameter `name`, if there is one.
    pub fn parameter(&self, name: &str) -> Option<&[usize]> {
        self.parameters.get(name).map(Vec::as_slice)
    }

    /// The string attribute `name`, or `default` where it is absent.
    pub fn string<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, Refusal> {
        self.get(name, default, "a string", Value::as_str)
    }

    /// The boolean attribute `name`, or `default` where it is absent.
    pub fn bool(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        self.get(name, default, "true or false", Value::as_bool)
    }

    /// The number `name`, or `default` where it is absent.
    pub fn f64(&self, name: &str, default: f64) -> Result<f64, Refusal> {
        self.get(name, default, "a number", Value::as_f64)
    }

    /// The integer `name`, or `None` where it is absent.
    pub fn i64(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.get(name, None, "an integer", |v| v.as_i64().map(Some))
    }

    /// The size `name`, or `default` where it is absent.
    pub fn usize(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        self.get(name, default, "a whole number from 0", usize_of)
    }

    /// The `N` sizes of attribute `name`, or `default` where it is absent: of height and width (2), or on the four
    /// sides (4).
    pub fn sizes<const N: usize>(&self, name: &str, default: [usize; N]) -> Result<[usize; N], Refusal> {
        let wanted = match N {
            2 => "[height, width], whole numbers from 0",
            4 => "[top, left, bottom, right], whole numbers from 0",
            _ => "a list of whole numbers from 0, as many as its default has",
        };
        self.get(name, default, wanted, |v| {
            let list: Option<Vec<usize>> = v.as_array()?.iter().map(usize_of).collect();
            list?.try_into().ok()
        })
    }

    /// The numbers of attribute `name`, if it is there.
    pub fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, Refusal> {
        self.get(name, None, "a list of numbers", |v| {
            v.as_array()?.iter().map(Value::as_f64).collect::<Option<_>>().map(Some)
        })
    }

    /// The attribute `reduction` of a loss, the mean where it is absent.
    pub fn reduction(&self) -> Result<Reduction, Refusal> {
        match self.string("reduction", "mean")? {
            "mean" => Ok(Reduction::Mean),
            "sum" => Ok(Reduction::Sum),
            other => Err(format!("attribute reduction is {other:?}; it must be \"mean\" or \"sum\"")),
        }
    }

    /// The sizes of attribute `name`, of any number, if it is there.
    pub fn size_list(&self, name: &str) -> Result<Option<Vec<usize>>, Refusal> {
        self.get(name, None, "a list of whole numbers from 0", |v| {
            v.as_array()?.iter().map(usize_of).collect::<Option<_>>().map(Some)
        })
    }

    /// The axis `name`, counted in NCHW from the front or, below zero, from behind; the channels where it is
    /// absent.
    pub fn axis(&self, name: &str) -> Result<Axis, Refusal> {
        match self.get(name, 1, "an integer", Value::as_i64)? {
            1 | -3 => Ok(Axis::Channels),
            2 | -2 => Ok(Axis::Height),
            3 | -1 => Ok(Axis::Width),
            axis => {
                Err(format!("attribute {name} is {axis}; it must be 1 (channels), 2 (height) or 3 (width)"))
            }
        }
    }

    fn get<'a, T: Debug>(
        &'a self,
        name: &str,
        default: T,
        wanted: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, Refusal> {
        let asked = Asked { default: format!("{default:?}"), wanted };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), asked);
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => {
                read(value).ok_or_else(|| format!("attribute {name} is {value}; it must be {wanted}"))
            }
        }
    }
}

/// A number as a size of this machine.
fn usize_of(value: &Value) -> Option<usize> {
    usize::try_from(value.as_u64()?).ok()
}
