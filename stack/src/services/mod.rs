//! One file for each service.

mod click_house;
mod data_node;
mod hive_metastore;
mod hive_server;
mod name_node;
mod pulsar;
mod superset;

pub use click_house::ClickHouse;
pub use data_node::DataNode;
pub use hive_metastore::HiveMetastore;
pub use hive_server::HiveServer;
pub use name_node::NameNode;
pub use pulsar::Pulsar;
pub use superset::{Superset, SupersetAddress};

pub(crate) use pulsar::{PulsarOptions, admin_command};

/// The operations that every service has.
macro_rules! operate {
    ($service:ty) => {
        impl $service {
            /// The main process's id, unless it was stopped or killed.
            pub fn pid(&self) -> Option<u32> {
                self.service.pid()
            }

            /// The ids of all its living processes.
            pub fn pids(&self) -> Vec<u32> {
                self.service.pids()
            }

            /// Asks it to end; kills it if it does not in time. What it started ends with it.
            pub fn stop(&self) -> $crate::Result<()> {
                self.service.stop()
            }

            /// Kills all its processes (`kill -9`).
            pub fn kill(&self) -> $crate::Result<()> {
                self.service.kill()
            }

            /// Starts it on its ports and data, if it does not run, and waits until it is ready.
            pub fn start(&self) -> $crate::Result<()> {
                self.service.start()
            }

            /// Stops it, starts it again on the same ports and data, and waits until it is ready.
            pub fn restart(&self) -> $crate::Result<()> {
                self.service.stop()?;
                self.service.start()
            }

            /// The file that its output goes to.
            pub fn log(&self) -> &std::path::Path {
                self.service.log()
            }

            /// Its process, for the stack.
            pub(crate) fn service(&self) -> &$crate::process::Service {
                &self.service
            }
        }
    };
}
pub(crate) use operate;
