//! `cordon templates`: which questions can be asked.

use clap::Args;
use serde_json::json;

use crate::{failure::Result, output::Out};

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  cordon templates
  cordon templates at-the-scenes

With a template's name: its impact assessment too. Needs no node.")]
pub(crate) struct Templates {
    /// One template, with its impact assessment.
    template: Option<String>,
}

impl Templates {
    pub(crate) fn run(self, out: &Out) -> Result<()> {
        let known = query::templates();
        let wanted = |id: &str| self.template.as_deref().is_none_or(|only| only == id);
        let shown: Vec<&query::Template> = known.iter().filter(|known| wanted(known.id)).collect();
        if shown.is_empty() {
            let ids: Vec<&str> = known.iter().map(|known| known.id).collect();
            let what = format!("there is no such template; there are {}", ids.join(", "));
            return Err(crate::failure::Failure::usage(what));
        }
        for template in &shown {
            out.say(
                &format!("{}  {}", template.id, template.title_en),
                &format!("{}  {}", template.id, template.title_zh),
            );
            out.say(
                &format!("    {}", template.what_en),
                &format!("    {}", template.what_zh),
            );
            for parameter in template.parameters {
                let name = parameter.name;
                out.say(
                    &format!("    {name}: {}", parameter.what_en),
                    &format!("    {name}：{}", parameter.what_zh),
                );
            }
            for term in template.terms {
                let name = term.name;
                out.say(
                    &format!("    --term {name}=N: {}", term.what_en),
                    &format!("    --term {name}=N：{}", term.what_zh),
                );
            }
            if self.template.is_some() {
                out.line(template.assessment);
            }
        }
        let list: Vec<_> = shown
            .iter()
            .map(|template| {
                json!({
                    "template": template.id,
                    "title_en": template.title_en,
                    "title_zh": template.title_zh,
                    "joint": template.joint.is_some(),
                    "terms": template.terms.iter().map(|term| json!({
                        "name": term.name,
                        "default": term.default,
                        "least": term.least,
                        "most": term.most,
                    })).collect::<Vec<_>>(),
                })
            })
            .collect();
        out.value(&list)
    }
}
