//! A node of the graph as a converter reads it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::ops::Refusal;

use super::constant::Constant;
use super::proto::{AttributeProto, NodeProto};

/// A node, which remembers the attributes that were asked for: those that nobody asks for are refused.
pub(super) struct Node<'a> {
    proto: &'a NodeProto,
    /// The version of the operators that the model is written in.
    pub opset: i64,
    known: RefCell<BTreeSet<&'static str>>,
}

// `AttributeProto.AttributeType`.
const FLOAT: i32 = 1;
const INT: i32 = 2;
const STRING: i32 = 3;
const TENSOR: i32 = 4;
const FLOATS: i32 = 6;
const INTS: i32 = 7;

impl<'a> Node<'a> {
    pub fn new(proto: &'a NodeProto, opset: i64) -> Self {
        Self { proto, opset, known: RefCell::default() }
    }

    /// Its operator.
    pub fn operator(&self) -> &'a str {
        self.proto.op_type.as_deref().unwrap_or_default()
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&'a str> {
        self.proto.name.as_deref().filter(|name| !name.is_empty())
    }

    /// The name of input `index`, unless it is absent.
    pub fn input(&self, index: usize) -> Option<&'a str> {
        self.proto.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The number of inputs, absent ones included.
    pub fn inputs(&self) -> usize {
        self.proto.input.len()
    }

    /// The names of the outputs; an absent one is empty.
    pub fn outputs(&self) -> &'a [String] {
        &self.proto.output
    }

    /// The integer attribute `name`.
    pub fn int(&self, name: &'static str) -> Result<Option<i64>, Refusal> {
        self.read(name, INT, "an integer", |attribute| attribute.i)
    }

    /// The integer attribute `name` as a yes or no, `default` where it is absent.
    pub fn flag(&self, name: &'static str, default: bool) -> Result<bool, Refusal> {
        match self.int(name)? {
            None => Ok(default),
            Some(value @ (0 | 1)) => Ok(value == 1),
            Some(other) => Err(format!("attribute {name} is {other}; it must be 0 or 1")),
        }
    }

    /// The number `name`.
    pub fn number(&self, name: &'static str) -> Result<Option<f32>, Refusal> {
        self.read(name, FLOAT, "a number", |attribute| attribute.f)
    }

    /// The finite number `name`, `default` where it is absent.
    pub fn float(&self, name: &'static str, default: f32) -> Result<f32, Refusal> {
        let value = self.number(name)?.unwrap_or(default);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(format!("attribute {name} is {value}; it must be finite"))
        }
    }

    /// The string `name`, `default` where it is absent.
    pub fn string(&self, name: &'static str, default: &'static str) -> Result<&'a str, Refusal> {
        let text = |attribute: &'a AttributeProto| std::str::from_utf8(attribute.s.as_deref()?).ok();
        Ok(self.read(name, STRING, "a string", text)?.unwrap_or(default))
    }

    /// The integers of attribute `name`.
    pub fn ints(&self, name: &'static str) -> Result<Option<&'a [i64]>, Refusal> {
        self.read(name, INTS, "a list of integers", |attribute| Some(&*attribute.ints))
    }

    /// The numbers of attribute `name`.
    pub fn floats(&self, name: &'static str) -> Result<Option<&'a [f32]>, Refusal> {
        self.read(name, FLOATS, "a list of numbers", |attribute| Some(&*attribute.floats))
    }

    /// The tensor of attribute `name`.
    pub fn tensor(&self, name: &'static str) -> Result<Option<Constant>, Refusal> {
        let tensor = self.read(name, TENSOR, "a tensor", |attribute| attribute.t.as_ref())?;
        tensor.map(Constant::decode).transpose().map_err(|message| format!("attribute {name}: {message}"))
    }

    /// Refuses integers of attribute `name` other than `only`, which alone can be computed.
    pub fn only(&self, name: &'static str, only: i64) -> Result<(), Refusal> {
        match self.int(name)? {
            Some(other) if other != only => Err(format!("attribute {name} is {other}; it must be {only}")),
            _ => Ok(()),
        }
    }

    /// Says of attribute `name` that it may be there but changes nothing here.
    pub fn ignore(&self, name: &'static str) {
        self.known.borrow_mut().insert(name);
    }

    /// Refuses attributes that no converter asked for: what they mean is not known.
    pub fn refuse_unknown_attributes(&self) -> Result<(), Refusal> {
        let known = self.known.borrow();
        let unknown =
            self.proto.attribute.iter().map(AttributeProto::name).find(|name| !known.contains(name));
        match unknown {
            Some(unknown) => Err(format!("attribute {unknown} is not known; known are {known:?}")),
            None => Ok(()),
        }
    }

    fn read<T>(
        &self,
        name: &'static str,
        kind: i32,
        wanted: &str,
        read: impl FnOnce(&'a AttributeProto) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        self.known.borrow_mut().insert(name);
        let mut named = self.proto.attribute.iter().filter(|attribute| attribute.name() == name);
        let Some(attribute) = named.next() else { return Ok(None) };
        if named.next().is_some() {
            return Err(format!("attribute {name} is there twice"));
        }
        // Files of the first version of the format do not say which field holds the value.
        let fits = attribute.r#type.is_none_or(|found| found == kind || found == 0);
        let value = read(attribute).filter(|_| fits);
        value.map(Some).ok_or_else(|| format!("attribute {name} is not {wanted}"))
    }
}
