//! Whoever listens hears the whole of a run, in order: enough for a format
//! that nobody has thought of yet. It has a program of its own, because a run
//! raises the limit on open files.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use epoll_lab::lab::audience::{Audience, Event, OutputError, Shared};
use epoll_lab::lab::report::{Caption, EventLoop, Run, Trigger};
use epoll_lab::lab::script::{Script, at_once};
use epoll_lab::lab::stage::Stage;
use epoll_lab::server::mode;
use epoll_lab::trace::{Call, Name};

/// What was heard, in a word each.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Audience for Heard {
    fn hear(&mut self, event: &Event<'_>) -> Result<(), OutputError> {
        let word = match event {
            Event::Run(run) => format!("run {}", run.command),
            Event::Call(record) => match record.call {
                Call::Recv { fd, .. } if fd.name == Name::Client(0) => "recv of A".into(),
                call => call.name().into(),
            },
            Event::DoesNotReturn(call) => format!("asleep in {}", call.name()),
            Event::Rest(_) => "rest".into(),
            Event::Step(step) => format!("step: {step}"),
            Event::Blocked { blocked, .. } => format!("{} waits", blocked.waiting[0].client),
            Event::ShutDown { .. } => "shut down".into(),
            Event::Summary(summary) => {
                format!("summary: {} recv of A", summary.rows[0].server.recv)
            }
            _ => return Ok(()),
        };
        self.0.lock().expect("nobody panics").push(word);
        Ok(())
    }
}

#[test]
fn a_run_is_heard_from_its_beginning_to_its_summary() {
    let heard = Heard::default();
    let stage = Stage::new(Shared::new(heard.clone())).expect("a stage");
    let run = Run {
        command: "a test",
        api: EventLoop::Epoll,
        trigger: Some(Trigger::Edge),
        socket: mode::ET_BLOCKING.socket,
        read: mode::ET_BLOCKING.read,
        buffer: 5,
        clients: 2,
        caption: Caption::alone("a test"),
    };
    let script = Script {
        messages: vec![vec![b"HELLOworld123".to_vec()], vec![b"ping".to_vec()]],
        together: false,
        stall: Duration::ZERO,
    };
    stage.announce(&run).expect("it is announced");
    let played = stage.perform(&run, mode::ET_BLOCKING, &script, &mut at_once);
    let (_, answers) = played.expect("it is played");
    assert_eq!(answers, [b"HELLOworld123".to_vec(), b"ping".to_vec()]);

    let heard = heard.0.lock().expect("nobody panics");
    assert_eq!(heard[0], "run a test");
    // No client acts before the server has come to rest.
    for (index, word) in heard.iter().enumerate() {
        if word.starts_with("step: ") {
            assert_eq!(heard[index - 1], "rest", "{heard:#?}");
        }
    }
    let at = |word: &str| heard.iter().position(|heard| heard == word);
    let story = [
        "step: A sends \"HELLOworld123\"",
        "asleep in recv",
        "step: B sends \"ping\"",
        "B waits",
        "step: A hangs up",
        "shut down",
    ];
    let places: Vec<_> = story.iter().map(|word| at(word)).collect();
    assert!(places.iter().all(Option::is_some), "{heard:#?}");
    assert!(places.is_sorted(), "{heard:#?}");
    // What is summed up is what was heard.
    let recv = heard.iter().filter(|heard| *heard == "recv of A").count();
    let summary = format!("summary: {recv} recv of A");
    assert_eq!(heard.last(), Some(&summary), "{heard:#?}");
}
