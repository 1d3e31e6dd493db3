//! A trait with a method for each call of a program.

use super::Emitter;
use crate::ast::{Builtin, Doc};
use crate::model::{Field, Kind, Link, Payload, Procedure, Program, Ty, Type};
use crate::names::{camel, snake, words};

/// A parameter of a method, and the field of the arguments that it becomes.
struct Argument {
    field: String,
    /// The name and type; `None` if the field has a fixed value.
    parameter: Option<(String, String)>,
    value: String,
}

impl Emitter<'_> {
    /// The trait, which every client has.
    pub(super) fn calls(&mut self, program: &Program) {
        let name = program.xdr.trim_end_matches("_PROGRAM");
        let name = camel(&words(name));
        let client = format!("{}::Client", self.runtime.client);
        self.line(&format!(
            "/// The calls of the program `{}`, as methods of every client.",
            program.xdr
        ));
        self.line("///");
        self.line(
            "/// Arguments are flat, and so are results: one of a single field is that field.",
        );
        self.line(&format!("pub trait {name}: {client} {{"));
        for procedure in &program.procedures {
            if let Link::Call { arguments, returns } = &procedure.link {
                self.method(program, procedure, arguments.as_ref(), returns.as_ref());
            }
        }
        self.line("}\n");
        self.line(&format!("impl<C: {client} + ?Sized> {name} for C {{}}"));
    }

    fn method(
        &mut self,
        program: &Program,
        procedure: &Procedure,
        arguments: Option<&Payload>,
        returns: Option<&Payload>,
    ) {
        let doc = &procedure.member.doc;
        let fields = self.fields_of(returns);
        let listed = fields.iter().any(|field| field.doc.has("count"));
        let arguments_of = self.fields_of(arguments);
        let arguments_doc: Vec<_> = arguments_of.iter().map(|field| field.doc.clone()).collect();
        let parameters: Vec<Argument> = arguments_of
            .iter()
            .map(|field| self.argument(field, listed))
            .collect();
        let mut declared: Vec<String> = parameters
            .iter()
            .filter_map(|argument| argument.parameter.as_ref())
            .map(|(name, ty)| format!("{name}: {ty}"))
            .collect();
        let values: Vec<_> = parameters
            .iter()
            .map(|argument| match argument.field == argument.value {
                true => argument.field.clone(),
                false => format!("{}: {}", argument.field, argument.value),
            })
            .collect();
        let args = match arguments {
            Some(Payload::Named(id)) => {
                format!(
                    "&{} {{ {} }}",
                    self.model.types[*id].rust,
                    values.join(", ")
                )
            }
            Some(Payload::Field(_)) => match (parameters.first(), arguments_of.first()) {
                (Some(argument), Some(field)) => match (&argument.parameter, &field.ty) {
                    (Some((name, ty)), _) if ty.starts_with('&') => name.clone(),
                    (Some((name, _)), _) => format!("&{name}"),
                    (None, _) => format!("&{}", argument.value),
                },
                _ => "&()".into(),
            },
            _ => "&()".into(),
        };
        let fds_in = doc.has("fds-in");
        let fds_out = doc.has("fds-out");
        let stream = doc.has("stream");
        if fds_in {
            declared.push(format!(
                "fds: ::std::vec::Vec<{}::Fd>",
                self.runtime.transport
            ));
        }
        let (output, pick) = self.output(returns, &fields);
        let output_type = match (stream, fds_out) {
            (true, _) if output == "()" => "Self::Stream".into(),
            (true, _) => format!("({output}, Self::Stream)"),
            (_, true) if output == "()" => {
                format!("::std::vec::Vec<{}::Fd>", self.runtime.transport)
            }
            (_, true) => format!(
                "({output}, ::std::vec::Vec<{}::Fd>)",
                self.runtime.transport
            ),
            _ => output,
        };
        let void = returns.is_none();
        let (method, pick) = match (stream, fds_out) {
            (true, _) if void => ("open", "|(), stream| stream".to_owned()),
            (true, _) => ("open", format!("|ret, stream| ({pick}, stream)")),
            (_, true) if void => ("receive_fds", "|(), fds| fds".to_owned()),
            (_, true) => ("receive_fds", format!("|ret, fds| ({pick}, fds)")),
            _ if void => ("send", "|()| ()".to_owned()),
            _ => ("send", format!("|ret| {pick}")),
        };
        let sent = if fds_in { ".with_fds(fds)" } else { "" };
        self.method_doc(program, procedure, &parameters, &arguments_doc);
        let client = &self.runtime.client;
        let type_name = &procedure.rust;
        self.line(&format!(
            "fn {}(&self{}{}) -> {client}::Reply<'_, Self, {output_type}> {{
                {client}::Call::<{type_name}>::new({args}){sent}.{method}(self, {pick})
            }}\n",
            snake(&words(&procedure.member.rust)),
            if declared.is_empty() { "" } else { ", " },
            declared.join(", "),
        ));
    }

    /// The fields of a payload that is a struct.
    fn fields_of(&self, payload: Option<&Payload>) -> Vec<Field> {
        match payload {
            Some(Payload::Named(id) | Payload::Field(id)) => match &self.model.types[*id].kind {
                Kind::Struct(fields) => fields.clone(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// The type of a result, and the expression that takes it out of `ret`.
    fn output(&self, returns: Option<&Payload>, fields: &[Field]) -> (String, String) {
        let id = match returns {
            Some(Payload::Named(id)) => id,
            Some(Payload::Field(_)) => {
                let owned = self.owned();
                let field = fields.first().filter(|field| !field.doc.has("unused"));
                return match field {
                    Some(field) => (self.ty(&field.ty, [&owned[0], &owned[1]], ""), "ret".into()),
                    None => ("()".into(), "{ let _ = ret; }".into()),
                };
            }
            _ => return ("()".into(), "ret".into()),
        };
        let owned = self.owned();
        let owned = [owned[0].as_str(), owned[1].as_str()];
        let told: Vec<_> = fields
            .iter()
            .filter(|field| !field.doc.has("count") && !field.doc.has("unused"))
            .collect();
        match told.as_slice() {
            [] => ("()".into(), "{ let _ = ret; }".into()),
            [field] => (self.ty(&field.ty, owned, ""), format!("ret.{}", field.rust)),
            _ => (self.model.types[*id].rust.clone(), "ret".into()),
        }
    }

    fn argument(&self, field: &Field, listed: bool) -> Argument {
        let name = field.rust.clone();
        let fixed = |value: &str| Argument {
            field: field.rust.clone(),
            parameter: None,
            value: value.into(),
        };
        if field.doc.has("unused") && matches!(field.ty, Ty::Builtin(_)) {
            return fixed("0");
        }
        if listed && name == "need_results" && field.ty == Ty::Builtin(Builtin::Bool) {
            return fixed("true");
        }
        let (ty, value) = self.parameter(field, &name);
        Argument {
            field: field.rust.clone(),
            parameter: Some((name, ty)),
            value,
        }
    }

    /// The type of a parameter, and the expression for the field.
    fn parameter(&self, field: &Field, name: &str) -> (String, String) {
        let same = name.to_owned();
        let plain = |ty: String| (ty, same.clone());
        let vec = "::std::vec::Vec";
        let strings = |ty: &Type| ty.facts.strings || ty.facts.opaques;
        if let (Ty::Builtin(Builtin::UnsignedHyper), Some([flags])) =
            (&field.ty, field.doc.tag("as"))
            && let Some(ty) = self.model.types.iter().find(|ty| ty.xdr == *flags)
        {
            return (ty.rust.clone(), format!("u64::from({name}.0)"));
        }
        match &field.ty {
            Ty::String(_) => ("&str".into(), format!("{name}.as_bytes()")),
            Ty::Opaque(_) => plain("&[u8]".into()),
            Ty::Characters { text: true, .. } => ("&str".into(), format!("{name}.to_owned()")),
            Ty::Characters { .. } => ("&[u8]".into(), format!("{name}.to_vec()")),
            Ty::Named(id) => {
                let ty = &self.model.types[*id];
                match strings(ty) {
                    true => (
                        format!("&{}<impl ::core::convert::AsRef<[u8]>>", ty.rust),
                        format!("{name}.borrowed()"),
                    ),
                    false => plain(ty.rust.clone()),
                }
            }
            Ty::Optional { item, .. } => match item.as_ref() {
                Ty::String(_) => (
                    "::core::option::Option<&str>".into(),
                    format!("{name}.map(str::as_bytes)"),
                ),
                Ty::Named(id) if strings(&self.model.types[*id]) => {
                    let ty = &self.model.types[*id].rust;
                    (
                        format!("::core::option::Option<&{ty}>"),
                        format!("{name}.map({ty}::borrowed)"),
                    )
                }
                _ => plain(self.ty(&field.ty, ["&str", "&[u8]"], "")),
            },
            Ty::Array { item, .. } => match item.as_ref() {
                Ty::String(_) => (
                    "&[&str]".into(),
                    format!("{name}.iter().map(|text| text.as_bytes()).collect()"),
                ),
                Ty::Named(id) if strings(&self.model.types[*id]) => {
                    let ty = &self.model.types[*id].rust;
                    match self.list_type(item) {
                        Some((list, _)) => (format!("&{list}"), format!("{name}.borrowed()")),
                        None => (
                            format!("&[{ty}]"),
                            format!("{name}.iter().map({ty}::borrowed).collect()"),
                        ),
                    }
                }
                item => (
                    format!("&[{}]", self.ty(item, ["&str", "&[u8]"], "")),
                    format!("{vec}::from({name})"),
                ),
            },
            ty => plain(self.ty(ty, ["&str", "&[u8]"], "")),
        }
    }

    fn method_doc(
        &mut self,
        program: &Program,
        procedure: &Procedure,
        parameters: &[Argument],
        docs: &[Doc],
    ) {
        let doc = &procedure.member.doc;
        self.doc(doc, "");
        let mut facts = Vec::new();
        let values = |name: &str| doc.tag(name).map(|values| values.join(" "));
        facts.push(format!(
            "Procedure {} of `{}`",
            procedure.member.value, program.xdr
        ));
        if let Some(since) = values("since") {
            facts.push(format!("since libvirt {since}"));
        }
        match values("readonly").map(|values| values.replacen("unless ", "", 1)) {
            Some(unless) if unless.is_empty() => {
                facts.push("allowed on a read-only connection".into());
            }
            Some(unless) => facts.push(format!(
                "allowed on a read-only connection, unless with {}",
                unless
                    .split(' ')
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(" or ")
            )),
            None => {}
        }
        if let Some(direction) = values("stream") {
            let holes = if doc.has("sparse") {
                ", which may have holes"
            } else {
                ""
            };
            facts.push(match (doc.has("duplex"), direction.as_str()) {
                (true, _) => "opens a stream in both directions".into(),
                (_, "write") => format!("opens a stream to the daemon{holes}"),
                _ => format!("opens a stream from the daemon{holes}"),
            });
        }
        for (tag, direction) in [("fds-in", "sends"), ("fds-out", "returns")] {
            match values(tag).as_deref() {
                Some("n") => facts.push(format!("{direction} descriptors")),
                Some(number) => facts.push(format!("{direction} {number} descriptor")),
                None => {}
            }
        }
        let events = program.procedures.iter().filter(|event| {
            let registers = |values: &[String]| {
                let own = words(&procedure.member.rust);
                values.first().is_some_and(|name| words(name) == own)
            };
            event.member.doc.each("event-of").any(registers)
        });
        let events: Vec<_> = events
            .map(|event| format!("`{}`", event.rust.rsplit("::").next().unwrap_or_default()))
            .collect();
        if !events.is_empty() {
            let (first, more) = events.split_at(events.len().min(4));
            let more = if more.is_empty() { "" } else { " and others" };
            facts.push(format!("sends {}{more}", first.join(", ")));
        }
        self.line("///");
        self.line(&format!("/// {}.", facts.join("; ")));
        let told: Vec<_> = parameters
            .iter()
            .zip(docs)
            .filter(|(argument, doc)| argument.parameter.is_some() && !doc.lines.is_empty())
            .collect();
        if !told.is_empty() {
            self.line("///");
            for (argument, doc) in told {
                let text = doc.lines.join(" ");
                self.line(&format!(
                    "/// - `{}`: {}",
                    argument.field,
                    super::docs::escaped(&text)
                ));
            }
        }
    }
}
