//! Functions of Athena (Trino) that saved investigations use, where the embedded engine lacks them or spells them otherwise.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, MapArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMillisecondType};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::functions::datetime::to_timestamp;
use datafusion::functions::string::contains as text_contains;
use datafusion::functions_aggregate::any_value::any_value_udaf;
use datafusion::functions_nested::array_has::array_has_udf;
use datafusion::functions_nested::extract::array_element_udf;
use datafusion::functions_nested::range::gen_series_udf;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::prelude::SessionContext;

/// Makes the functions known.
pub(crate) fn register(context: &SessionContext) {
    context.register_udf(ByFirstArgument::udf(
        "contains",
        array_has_udf(),
        text_contains(),
    ));
    let of_map = Arc::new(ScalarUDF::from(MapElement(Signature::user_defined(
        Volatility::Immutable,
    ))));
    context.register_udf(ByFirstArgument::udf(
        "element_at",
        array_element_udf(),
        of_map,
    ));
    let date_diff = DateDiff(Signature::user_defined(Volatility::Immutable));
    context.register_udf(ScalarUDF::from(date_diff));
    let from_iso8601 = ScalarUDF::clone(&to_timestamp(context.state().config_options()))
        .with_aliases(["from_iso8601_timestamp"]);
    context.register_udf(from_iso8601);
    let sequence = ScalarUDF::clone(&gen_series_udf()).with_aliases(["sequence"]);
    context.register_udf(sequence);
    context.register_udaf(
        any_value_udaf()
            .as_ref()
            .clone()
            .with_aliases(["arbitrary"]),
    );
}

/// One name for two functions of the engine: the type of the first argument says which is meant.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ByFirstArgument {
    name: &'static str,
    of_list: Arc<ScalarUDF>,
    otherwise: Arc<ScalarUDF>,
    signature: Signature,
}

impl ByFirstArgument {
    fn udf(name: &'static str, of_list: Arc<ScalarUDF>, otherwise: Arc<ScalarUDF>) -> ScalarUDF {
        ScalarUDF::from(Self {
            name,
            of_list,
            otherwise,
            signature: Signature::user_defined(Volatility::Immutable),
        })
    }

    fn meant(&self, first: Option<&DataType>) -> &ScalarUDF {
        match first {
            Some(DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..)) => {
                &self.of_list
            }
            _ => &self.otherwise,
        }
    }
}

impl ScalarUDFImpl for ByFirstArgument {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.meant(types.first()).return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let first = args.arg_fields.first().map(|field| field.data_type());
        self.meant(first).return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let field = |data_type: &DataType| Arc::new(Field::new("", data_type.clone(), true));
        let fields: Vec<FieldRef> = types.iter().map(field).collect();
        let coerced = fields_with_udf(&fields, self.meant(types.first()))?;
        Ok(coerced
            .iter()
            .map(|field| field.data_type().clone())
            .collect())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let first = args
            .arg_fields
            .first()
            .map(|field| field.data_type().clone());
        self.meant(first.as_ref()).invoke_with_args(args)
    }
}

/// `element_at(map, key)`: the value of a key in a map from text to text, null where the map lacks it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MapElement(Signature);

impl ScalarUDFImpl for MapElement {
    fn name(&self) -> &str {
        "map_element"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        match types {
            [map @ DataType::Map(..), _] => Ok(vec![map.clone(), DataType::Utf8]),
            _ => plan_err!("element_at takes an array and a number, or a map and a key"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [map, keys] = &arrays[..] else {
            return exec_err!("element_at takes two arguments");
        };
        let (Some(map), Some(keys)) = (map.as_map_opt(), keys.as_string_opt::<i32>()) else {
            return exec_err!("element_at takes a map from text to text and a text");
        };
        Ok(ColumnarValue::Array(Arc::new(map_elements(map, keys)?)))
    }
}

fn map_elements(map: &MapArray, wanted: &StringArray) -> Result<StringArray> {
    let (keys, values) = (
        cast(map.keys(), &DataType::Utf8)?,
        cast(map.values(), &DataType::Utf8)?,
    );
    let (keys, values) = (keys.as_string::<i32>(), values.as_string::<i32>());
    let element = |row: usize| {
        if map.is_null(row) || wanted.is_null(row) {
            return None;
        }
        let (start, end) = (
            map.value_offsets()[row] as usize,
            map.value_offsets()[row + 1] as usize,
        );
        let found = (start..end).find(|entry| keys.value(*entry) == wanted.value(row))?;
        values.is_valid(found).then(|| values.value(found))
    };
    Ok((0..map.len()).map(element).collect())
}

/// `date_diff('hour', from, to)`: how many whole units lie between two moments.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DateDiff(Signature);

impl DateDiff {
    /// The units, in milliseconds. Months and years have no fixed length.
    fn unit_ms(unit: &str) -> Option<i64> {
        Some(match unit.to_ascii_lowercase().as_str() {
            "millisecond" => 1,
            "second" => 1_000,
            "minute" => 60_000,
            "hour" => 3_600_000,
            "day" => 86_400_000,
            "week" => 7 * 86_400_000,
            _ => return None,
        })
    }
}

impl ScalarUDFImpl for DateDiff {
    fn name(&self) -> &str {
        "date_diff"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let moment = || DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        match types {
            [_, _, _] => Ok(vec![DataType::Utf8, moment(), moment()]),
            _ => plan_err!("date_diff takes a unit and two moments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let unit = match args.args.first() {
            Some(ColumnarValue::Scalar(ScalarValue::Utf8(Some(unit)))) => Self::unit_ms(unit),
            _ => None,
        };
        let Some(unit_ms) = unit else {
            return exec_err!(
                "date_diff knows the units millisecond, second, minute, hour, day and week"
            );
        };
        let arrays = ColumnarValue::values_to_arrays(&args.args[1..])?;
        let moments = |array: &ArrayRef| array.as_primitive::<TimestampMillisecondType>().clone();
        let [from, to] = &arrays[..] else {
            return exec_err!("date_diff takes a unit and two moments");
        };
        let (from, to) = (moments(from), moments(to));
        let between = from.iter().zip(to.iter()).map(|pair| match pair {
            (Some(from), Some(to)) => Some(to.saturating_sub(from) / unit_ms),
            _ => None,
        });
        Ok(ColumnarValue::Array(Arc::new(
            between.collect::<Int64Array>(),
        )))
    }
}
