//! The views that the dashboards ask. They are replaced when the file is run again, so that they follow the schemas.

use super::{ClickHouse, Grain};
use crate::ddl::report::{FUNNEL, ORDERS};
use crate::ddl::script::{literal, quoted};
use crate::ddl::table::{EventColumn, EventTable};
use crate::event::EventKind;

/// What is counted, of the rows that a view takes together.
const COUNTED: &str = "sum(`events`) AS `events`, uniqMerge(`users`) AS `users`";

fn number(column: &str) -> String {
    format!("toString({column})")
}

/// Events as literals, with commas between.
fn events(kinds: &[EventKind]) -> String {
    kinds.iter().map(|kind| literal(kind.name())).collect::<Vec<_>>().join(", ")
}

impl ClickHouse {
    pub(super) fn views(&self, tables: &[EventTable]) -> Vec<String> {
        let mut views: Vec<String> = tables.iter().filter_map(|table| self.named(table)).collect();
        for grain in Grain::BOTH {
            views.extend([
                self.traffic(grain),
                self.active_users(grain),
                self.codes(grain, tables),
                self.purchase_funnel(grain),
                self.orders(grain),
            ]);
        }
        views
    }

    fn view(&self, name: &str, query: &str) -> String {
        format!("CREATE OR REPLACE VIEW {} AS\n{query}", self.path(name))
    }

    /// A view on what is counted by hour or day.
    fn counted(&self, name: &str, grain: Grain, query: impl Fn(&str, &str) -> String) -> String {
        let name = format!("{name}_per_{}", grain.name());
        self.view(&name, &query(&quoted(grain.name()), &self.path(&grain.activity())))
    }

    /// An event's rows, with the names of its codes.
    fn named(&self, table: &EventTable) -> Option<String> {
        let coded = table.coded()?;
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let query = format!(
            "SELECT {}, {} AS {}\nFROM {}",
            columns.join(", "),
            coded.code_name(number),
            quoted(&format!("{}_name", coded.name)),
            self.path(table.name())
        );
        Some(self.view(&format!("{}_named", table.name()), &query))
    }

    fn traffic(&self, grain: Grain) -> String {
        self.counted("traffic", grain, |time, from| {
            format!("SELECT {time}, `event`, {COUNTED}\nFROM {from}\nGROUP BY {time}, `event`")
        })
    }

    fn active_users(&self, grain: Grain) -> String {
        self.counted("active_users", grain, |time, from| {
            format!("SELECT {time}, {COUNTED}\nFROM {from}\nGROUP BY {time}")
        })
    }

    fn codes(&self, grain: Grain, tables: &[EventTable]) -> String {
        let coded: Vec<&EventTable> = tables.iter().filter(|table| table.coded().is_some()).collect();
        let name = |table: &&EventTable| {
            let on_code = EventColumn { name: "code".to_owned(), ..table.coded()?.clone() };
            Some(format!("        WHEN {} THEN {}", literal(table.name()), on_code.code_name(number)))
        };
        let names: Vec<String> = coded.iter().filter_map(name).collect();
        let kinds: Vec<EventKind> = coded.iter().map(|table| table.kind).collect();
        self.counted("codes", grain, |time, from| {
            format!(
                "SELECT {time}, `event`, `code`,
    CASE `event`
{}
        ELSE {}
    END AS `code_name`,
    {COUNTED}
FROM {from}
WHERE `event` IN ({})
GROUP BY {time}, `event`, `code`",
                names.join("\n"),
                number("`code`"),
                events(&kinds)
            )
        })
    }

    fn purchase_funnel(&self, grain: Grain) -> String {
        let step = |then: fn(usize, &str) -> String| {
            let mut branches = FUNNEL.iter().enumerate().map(|(at, (name, kinds))| (events(kinds), then(at + 1, name)));
            // The last one is the rest, so that the column is not nullable.
            let last = branches.next_back().map(|(_, value)| value).unwrap_or_default();
            let first: String =
                branches.map(|(kinds, value)| format!("WHEN `event` IN ({kinds}) THEN {value} ")).collect();
            format!("CASE {first}ELSE {last} END")
        };
        let kinds: Vec<EventKind> = FUNNEL.iter().flat_map(|(_, kinds)| kinds.iter().copied()).collect();
        self.counted("purchase_funnel", grain, |time, from| {
            format!(
                "SELECT {time},
    {} AS `step`,
    {} AS `step_name`,
    {COUNTED}
FROM {from}
WHERE `event` IN ({})
GROUP BY {time}, `step`, `step_name`",
                step(|number, _| number.to_string()),
                step(|_, name| literal(name)),
                events(&kinds)
            )
        })
    }

    fn orders(&self, grain: Grain) -> String {
        let columns: Vec<String> = ORDERS
            .iter()
            .map(|(name, kind)| format!("sumIf(`events`, `event` = {}) AS {}", literal(kind.name()), quoted(name)))
            .collect();
        self.counted("orders", grain, |time, from| {
            format!(
                "SELECT {time},\n    {}\nFROM {from}\nWHERE `event` IN ({})\nGROUP BY {time}",
                columns.join(",\n    "),
                events(&ORDERS.map(|(_, kind)| kind))
            )
        })
    }
}
