//! The operations that every service has.

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
