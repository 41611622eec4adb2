//! The faults, each with what it does and how it ends.

use anyhow::Result;

use super::begun::Begun;
use super::scene::Scene;
use super::{broker, hdfs, instances};
use crate::random::Random;

/// Something that goes wrong, or changes, under a running sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of the process of an instance.
    KillInstance,
    /// An instance stands still until another one has its partitions, and then goes on.
    PauseInstance,
    /// A message without a value, at which each instance that gets it ends.
    NoValue,
    /// Broker and functions worker restart, or crash and come back, with or without the instances.
    RestartBroker,
    /// The bundle of one of the topic's partitions is unloaded.
    UnloadBundle,
    /// The topic gets one partition more.
    AddPartition,
    /// The topic's schema gets one field more; producers of older ones go on.
    NewSchema,
    /// A subscription is moved back a little.
    ResetSubscription,
    /// Records that nobody can read, some of them larger than the broker takes.
    BadRecords,
    /// So many rows at once that they are written before their commit.
    Burst,
    /// A DataNode is killed and comes back.
    KillDataNode,
    /// Two DataNodes of three are killed at once and come back.
    KillTwoDataNodes,
    /// The NameNode restarts, or crashes and comes back.
    RestartNameNode,
    /// The NameNode is in safe mode for a while.
    SafeMode,
    /// The directories' quota, of space or of names, is used up for a while.
    FillQuota,
    /// No copy of the table's newest file can be read for a while.
    DamageFile,
    /// The exactly-once sink's table is somebody else's for a while.
    TakeDirectory,
    /// What says whose that table is cannot be read for a while, and an instance starts.
    DamageIdentity,
}

/// What a fault is done to. Two faults overlap only when these differ, or one would undo the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The processes of the sinks.
    Instances,
    /// Broker, topic and subscriptions.
    Broker,
    /// NameNode and DataNodes.
    Hdfs,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 18] = [
        Fault::KillInstance,
        Fault::PauseInstance,
        Fault::NoValue,
        Fault::RestartBroker,
        Fault::UnloadBundle,
        Fault::AddPartition,
        Fault::NewSchema,
        Fault::ResetSubscription,
        Fault::BadRecords,
        Fault::Burst,
        Fault::KillDataNode,
        Fault::KillTwoDataNodes,
        Fault::RestartNameNode,
        Fault::SafeMode,
        Fault::FillQuota,
        Fault::DamageFile,
        Fault::TakeDirectory,
        Fault::DamageIdentity,
    ];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Fault::KillInstance => "kill_instance",
            Fault::PauseInstance => "pause_instance",
            Fault::NoValue => "no_value",
            Fault::RestartBroker => "restart_broker",
            Fault::UnloadBundle => "unload_bundle",
            Fault::AddPartition => "add_partition",
            Fault::NewSchema => "new_schema",
            Fault::ResetSubscription => "reset_subscription",
            Fault::BadRecords => "bad_records",
            Fault::Burst => "burst",
            Fault::KillDataNode => "kill_data_node",
            Fault::KillTwoDataNodes => "kill_two_data_nodes",
            Fault::RestartNameNode => "restart_name_node",
            Fault::SafeMode => "safe_mode",
            Fault::FillQuota => "fill_quota",
            Fault::DamageFile => "damage_file",
            Fault::TakeDirectory => "take_directory",
            Fault::DamageIdentity => "damage_identity",
        }
    }

    /// What it is done to.
    pub fn place(self) -> Place {
        match self {
            Fault::KillInstance | Fault::PauseInstance | Fault::NoValue => Place::Instances,
            Fault::RestartBroker
            | Fault::UnloadBundle
            | Fault::AddPartition
            | Fault::NewSchema
            | Fault::ResetSubscription
            | Fault::BadRecords => Place::Broker,
            // A burst is streamed only while HDFS takes it.
            Fault::Burst
            | Fault::KillDataNode
            | Fault::KillTwoDataNodes
            | Fault::RestartNameNode
            | Fault::SafeMode
            | Fault::FillQuota
            | Fault::DamageFile
            | Fault::TakeDirectory
            | Fault::DamageIdentity => Place::Hdfs,
        }
    }

    /// Does it. One that lasts is ended by what is returned; nothing is when it cannot be done now, or there is no more to do of it.
    pub fn begin<'a>(self, scene: &'a Scene<'a>, random: &mut Random) -> Result<Option<Begun<'a>>> {
        let stack = scene.namespace.services.stack();
        let begun = match self {
            Fault::KillInstance => instances::kill_instance(scene, random),
            Fault::PauseInstance => return instances::pause_instance(scene, random),
            Fault::NoValue => instances::send_without_a_value(scene, random),
            Fault::RestartBroker => broker::restart_broker(stack, random),
            Fault::UnloadBundle => broker::unload_bundle(scene, random),
            Fault::AddPartition => return broker::add_partition(scene),
            Fault::NewSchema => {
                println!("  {} fields more than at first", scene.producers.evolve());
                Ok(Begun::over())
            }
            Fault::ResetSubscription => broker::reset_subscription(scene, random),
            Fault::BadRecords => broker::send_bad_records(scene, random),
            Fault::Burst => broker::send_burst(scene, random),
            Fault::KillDataNode => hdfs::kill_data_nodes(stack, 1, random),
            Fault::KillTwoDataNodes => hdfs::kill_data_nodes(stack, 2, random),
            Fault::RestartNameNode => hdfs::restart_name_node(stack, random),
            Fault::SafeMode => {
                stack.hdfs_admin(&["-safemode", "enter"])?;
                let end = || Ok(stack.hdfs_admin(&["-safemode", "leave"]).map(drop)?);
                Ok(Begun { lasts: random.millis(2_000, 8_000), end: Box::new(end) })
            }
            Fault::FillQuota => hdfs::fill_quota(scene, random),
            Fault::DamageFile => hdfs::damage_file(scene, random),
            Fault::TakeDirectory => hdfs::take_directory(scene, random),
            Fault::DamageIdentity => hdfs::damage_identity(scene, random),
        };
        begun.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let mut names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
