//! Models that are written down in the tests.

use prost::Message;

use crate::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use wgcnn::import::onnx::Model;

// `TensorProto.DataType`.
pub const FLOAT: i32 = 1;
pub const INT64: i32 = 7;

/// A model of these nodes, whose last output is the model's.
#[derive(Clone, Default)]
pub struct Sketch {
    graph: GraphProto,
    opset: i64,
    training: Option<i64>,
}

impl Sketch {
    /// In this version of the operators.
    pub fn new(opset: i64) -> Self {
        Self { graph: GraphProto::default(), opset, training: None }
    }

    /// With optimizers, in this version.
    pub fn training(self, version: i64) -> Self {
        Self { training: Some(version), ..self }
    }

    /// An input of floats; a size of −1 is one that is not known.
    pub fn input(self, name: &str, shape: &[i64]) -> Self {
        self.typed_input(name, FLOAT, shape)
    }

    /// An input of this type.
    pub fn typed_input(mut self, name: &str, elements: i32, shape: &[i64]) -> Self {
        let dim = |size: &i64| DimensionProto {
            dim_value: Some(*size).filter(|size| *size >= 0),
            dim_param: Some("n".into()).filter(|_| *size < 0),
        };
        let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
        let tensor_type = Some(TensorTypeProto { elem_type: Some(elements), shape });
        self.graph
            .input
            .push(ValueInfoProto { name: Some(name.into()), r#type: Some(TypeProto { tensor_type }) });
        self
    }

    /// A tensor of ones.
    pub fn ones(mut self, name: &str, shape: &[i64]) -> Self {
        let len = shape.iter().product::<i64>() as usize;
        self.graph.initializer.push(TensorProto { float_data: vec![1.0; len], ..tensor(name, FLOAT, shape) });
        self
    }

    /// A tensor of floats.
    pub fn floats(mut self, name: &str, values: &[f32]) -> Self {
        let shape = [values.len() as i64];
        self.graph.initializer.push(TensorProto { float_data: values.into(), ..tensor(name, FLOAT, &shape) });
        self
    }

    /// A tensor of integers.
    pub fn integers(mut self, name: &str, values: &[i64]) -> Self {
        let shape = [values.len() as i64];
        self.graph.initializer.push(TensorProto { int64_data: values.into(), ..tensor(name, INT64, &shape) });
        self
    }

    /// A tensor as it comes.
    pub fn tensor(mut self, tensor: TensorProto) -> Self {
        self.graph.initializer.push(tensor);
        self
    }

    /// A node: inputs, operator and outputs as in `x W -> Conv -> y`.
    pub fn node(mut self, text: &str) -> Self {
        let mut parts = text.split(" -> ").map(|part| part.split(' ').map(String::from).collect::<Vec<_>>());
        let (input, operator, output) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        // An input that is absent is written as a dash.
        let input = input.into_iter().map(|name| if name == "-" { String::new() } else { name }).collect();
        let op_type = operator.into_iter().next();
        self.graph.node.push(NodeProto { input, output, op_type, ..NodeProto::default() });
        self
    }

    /// Names the last node.
    pub fn named(mut self, name: &str) -> Self {
        self.last().name = Some(name.into());
        self
    }

    /// Puts the last node in a set of operators.
    pub fn domain(mut self, domain: &str) -> Self {
        self.last().domain = Some(domain.into());
        self
    }

    pub fn int(self, name: &str, value: i64) -> Self {
        self.attribute(name, AttributeProto { i: Some(value), r#type: Some(2), ..AttributeProto::default() })
    }

    pub fn float(self, name: &str, value: f32) -> Self {
        self.attribute(name, AttributeProto { f: Some(value), r#type: Some(1), ..AttributeProto::default() })
    }

    pub fn string(self, name: &str, value: &str) -> Self {
        let s = Some(value.as_bytes().to_vec());
        self.attribute(name, AttributeProto { s, r#type: Some(3), ..AttributeProto::default() })
    }

    pub fn ints(self, name: &str, values: &[i64]) -> Self {
        let ints = values.to_vec();
        self.attribute(name, AttributeProto { ints, r#type: Some(7), ..AttributeProto::default() })
    }

    /// Adds an attribute to the last node.
    pub fn attribute(mut self, name: &str, attribute: AttributeProto) -> Self {
        self.last().attribute.push(AttributeProto { name: Some(name.into()), ..attribute });
        self
    }

    fn last(&mut self) -> &mut NodeProto {
        self.graph.node.last_mut().unwrap()
    }

    /// Adds an output that some node computes.
    pub fn output(mut self, name: &str) -> Self {
        self.graph.output.push(ValueInfoProto { name: Some(name.into()), r#type: None });
        self
    }

    /// The content of the file. Without an output that was named, the last node's first is the model's.
    pub fn bytes(mut self) -> Vec<u8> {
        if self.graph.output.is_empty() {
            let name = self.last().output[0].clone();
            self = self.output(&name);
        }
        let mut opset_import = vec![OperatorSetIdProto { domain: None, version: Some(self.opset) }];
        if let Some(version) = self.training {
            let domain = Some("ai.onnx.preview.training".into());
            opset_import.push(OperatorSetIdProto { domain, version: Some(version) });
        }
        let model = ModelProto { producer_name: None, graph: Some(self.graph), opset_import };
        model.encode_to_vec()
    }

    /// The model.
    pub fn model(self) -> Model {
        Model::from_bytes(&self.bytes()).unwrap()
    }
}

/// A tensor without elements yet.
pub fn tensor(name: &str, elements: i32, shape: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: shape.into(),
        data_type: Some(elements),
        ..TensorProto::default()
    }
}
