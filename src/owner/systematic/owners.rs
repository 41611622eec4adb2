//! Owners as automata. The owner's code is deterministic: what it does next follows from the inputs that it had. So it runs
//! once per history of one owner, not once per interleaving of two; the search itself then only follows edges. A future
//! cannot be copied: a history that branches is run again from its beginning.

use std::collections::HashMap;

use crate::owner::systematic::config::Settings;
use crate::owner::systematic::gate::Input;
use crate::owner::systematic::process::{Process, Shown};
use crate::owner::systematic::records::Answered;

/// Processes that are kept running, to be fed further.
const MOST_RUNNING: usize = 4_000;

pub type NodeId = u32;

struct Node {
    owner: u8,
    incarnation: u8,
    /// The node and the input that it came from; none for a start.
    from: Option<(NodeId, Input)>,
    shown: Shown,
}

/// What an input leads to: the node after it, and what it showed on the way.
#[derive(Clone)]
pub struct Edge {
    pub node: NodeId,
    pub answered: Answered,
}

pub struct Owners {
    settings: Settings,
    nodes: Vec<Node>,
    starts: HashMap<(u8, u8), NodeId>,
    edges: HashMap<(NodeId, Input), Edge>,
    /// Nodes by a state that tells all that follows.
    states: HashMap<(u8, u8, String), NodeId>,
    running: HashMap<NodeId, Process>,
    /// Histories that were run again.
    pub replays: usize,
}

impl Owners {
    pub fn new(settings: Settings) -> Self {
        Owners {
            settings,
            nodes: Vec::new(),
            starts: HashMap::new(),
            edges: HashMap::new(),
            states: HashMap::new(),
            running: HashMap::new(),
            replays: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn shown(&self, node: NodeId) -> &Shown {
        &self.nodes[node as usize].shown
    }

    /// An owner's process when it starts.
    pub fn start(&mut self, owner: u8, incarnation: u8) -> NodeId {
        if let Some(node) = self.starts.get(&(owner, incarnation)) {
            return *node;
        }
        let (process, shown) = Process::start(&self.settings, owner, incarnation);
        let node = self.insert(Node { owner, incarnation, from: None, shown });
        self.starts.insert((owner, incarnation), node);
        self.keep(node, process);
        node
    }

    fn insert(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() as NodeId - 1
    }

    fn keep(&mut self, node: NodeId, process: Process) {
        if self.running.len() >= MOST_RUNNING {
            self.running.clear();
        }
        self.running.insert(node, process);
    }

    pub fn next(&mut self, from: NodeId, input: Input) -> Edge {
        let key = (from, input);
        if let Some(edge) = self.edges.get(&key) {
            return edge.clone();
        }
        let mut process = self.running.remove(&from).unwrap_or_else(|| self.replay(from));
        let mut shown = process.feed(key.1.clone());
        let answered = std::mem::take(&mut shown.answered);
        let Node { owner, incarnation, .. } = self.nodes[from as usize];
        let known = shown.state.take().filter(|_| shown.abandoned.is_empty());
        let node = match known.map(|state| (owner, incarnation, state)) {
            Some(state) => match self.states.get(&state) {
                Some(node) => *node,
                None => {
                    let node = self.insert(Node { owner, incarnation, from: Some(key.clone()), shown });
                    self.states.insert(state, node);
                    node
                }
            },
            None => self.insert(Node { owner, incarnation, from: Some(key.clone()), shown }),
        };
        self.keep(node, process);
        let edge = Edge { node, answered };
        self.edges.insert(key, edge.clone());
        edge
    }

    fn replay(&mut self, node: NodeId) -> Process {
        self.replays += 1;
        let mut inputs = Vec::new();
        let mut at = node;
        while let Some((from, input)) = &self.nodes[at as usize].from {
            inputs.push(input.clone());
            at = *from;
        }
        let start = &self.nodes[at as usize];
        let (mut process, _) = Process::start(&self.settings, start.owner, start.incarnation);
        for input in inputs.into_iter().rev() {
            process.feed(input);
        }
        process
    }
}
