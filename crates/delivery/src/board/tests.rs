use super::*;

const ONE: WorkspaceUid = WorkspaceUid([1; 16]);

fn at(next: u64) -> Cursor {
    Cursor { generation: 0, next }
}

fn next(news: &[Progress]) -> Vec<u64> {
    news.iter().flat_map(|news| news.cursors.iter().map(|(_, cursor)| cursor.next)).collect()
}

#[test]
fn what_was_told_is_news_once_and_what_was_passed_over_seldom() {
    let board = Board::default();
    board.moved("dst_a", ONE, at(3), true);
    assert_eq!(next(&board.take_news(false)), [3]);
    assert!(board.take_news(false).is_empty());
    board.moved("dst_a", ONE, at(9), false);
    assert!(board.take_news(false).is_empty());
    assert_eq!(next(&board.take_news(true)), [9]);
    board.moved("dst_a", ONE, at(10), true);
    let news = board.take_news(false);
    board.give_back(news);
    assert_eq!(next(&board.take_news(false)), [10], "what was not recorded is news again");
}

#[test]
fn p3_a_message_that_is_refused_long_enough_is_a_dead_letter_and_the_next_is_due() {
    let board = Board::default();
    let refuse = || board.refused("dst_a", ONE, at(5), 7, "answered 400");
    for attempt in 1..limits::REFUSALS_MAX {
        assert_eq!(refuse(), AfterRefusal::Again(attempt));
    }
    assert_eq!(refuse(), AfterRefusal::GivenUp);
    let news = board.take_news(false);
    assert_eq!(next(&news), [6]);
    let dead = DeadLetter {
        workspace: ONE,
        seq: 5,
        at: 7,
        attempts: limits::REFUSALS_MAX,
        reason: "answered 400".to_owned(),
    };
    assert_eq!(news[0].dead, [dead]);
}

#[test]
fn a_mark_of_before_a_replay_does_not_undo_it() {
    let board = Board::default();
    let replayed = Cursor { generation: 1, next: 0 };
    board.moved("dst_a", ONE, at(9), true);
    board.moved("dst_a", ONE, replayed, false);
    board.moved("dst_a", ONE, at(10), true);
    assert_eq!(board.cursor("dst_a", ONE), Some(replayed));
}
