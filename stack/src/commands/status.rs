//! `status`: tells whether a stack runs, and where.

use hdfs_csv_stack::{State, owner};

use super::result::Result;
use crate::arguments::NameArgs;

pub(crate) fn status(name: &NameArgs) -> Result {
    print(&running(name)?);
    Ok(())
}

/// Where a stack that runs is to be found.
pub(crate) fn running(name: &NameArgs) -> Result<State> {
    if owner(&name.folder()).is_none() {
        return Err(format!("stack `{}` is not running", name.name).into());
    }
    Ok(State::read(&name.state_file()).map_err(|_| format!("stack `{}` is being started", name.name))?)
}

/// Prints a stack's addresses.
pub(crate) fn print(state: &State) {
    println!("stack        {} (owner {})", state.name, state.owner_pid);
    println!("Pulsar       {}", state.service_url);
    println!("Pulsar REST  {}", state.admin_url);
    if state.functions_url != state.admin_url {
        println!("sinks REST   {}", state.functions_url);
    }
    if let (Some(url), Some(conf)) = (&state.hdfs_url, &state.hadoop_conf_dir) {
        println!("HDFS         {url}");
        println!("HDFS conf    {}", conf.display());
    }
    if let (Some(url), Some(uri)) = (&state.hive_url, &state.metastore_uri) {
        println!("Hive         {url}");
        println!("metastore    {uri}");
    }
    if let Some(url) = &state.click_house_url {
        println!("ClickHouse   {url}");
    }
    if let Some(superset) = &state.superset {
        println!("Superset     {} (user {}, password {})", superset.url, superset.user, superset.password);
    }
    println!("logs         {}", state.log_dir.display());
}
