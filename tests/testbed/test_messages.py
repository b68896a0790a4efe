import pytest

from testbed.messages import MAX_PACKET_BYTES, Exited, Imported, Message, Refused, Signal, Start, Started, decode, encode


@pytest.mark.parametrize(
    "message",
    [
        Start("orders/2", "services.orders.main", {"FIREBREAK_PORT": "0"}, "logs/ö.jsonl"),
        Signal(42, 19),
        Imported("services.orders.main"),
        Refused("", "cannot be imported"),
        Started("orders/2", 42),
        Exited(42, -9),
    ],
)
def test_every_message_arrives_as_it_was_sent(message: Message) -> None:
    assert decode(encode(message)) == message


def test_a_message_larger_than_a_packet_is_refused_and_not_cut() -> None:
    with pytest.raises(ValueError, match=f"at most {MAX_PACKET_BYTES}"):
        encode(Refused("", "x" * MAX_PACKET_BYTES))
