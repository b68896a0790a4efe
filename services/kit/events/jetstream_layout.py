"""How events lie in NATS JetStream: one stream, and of every consumer a queue of PARTITIONS parts, each handled one by one.

The stream is a work queue: a message belongs to one consumer and is removed once that acknowledges it, so what is stored is just
what waits, and nobody has to be there before the first event is. An event for two consumers is two messages.
"""

import zlib

from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

PARTITIONS = 8
"""Keys of a consumer that are handled at a time, over all its replicas. Another number needs another stream."""
MAX_AGE_S = 7 * 86_400.0
"""How long the broker keeps an event that nobody takes: as long as an inbox remembers those that it has handled."""
MAX_BYTES = 64 * 1024 * 1024
"""Of all that waits. Beyond it the broker refuses more, and outboxes keep it."""
MAX_MESSAGE_BYTES = 80 * 1024
"""The body that a service takes over HTTP, and what stands before it here."""
ACK_WAIT_S = 10.0
"""After which another replica gets an event that one took and said nothing of: it is paused or gone."""


def partition_of(key: str) -> int:
    """The same in every process, and for ever: events of one key are in one part."""
    return zlib.crc32(key.encode()) % PARTITIONS


def subject_of(stream: str, consumer: str, key: str, event_type: str) -> str:
    """Where an event for one consumer goes."""
    return f"{stream}.{consumer}.{partition_of(key)}.{event_type}"


def subjects_of(stream: str, consumer: str, partition: int) -> str:
    """All that a part of a consumer's queue takes."""
    return f"{stream}.{consumer}.{partition}.>"


def durable_name(consumer: str, partition: int) -> str:
    """How the broker calls a part of a consumer's queue, and the group of replicas that share it."""
    return f"{consumer}-{partition}"


def stream_config(stream: str) -> StreamConfig:
    """Everything about it has a bound; a full one refuses what is new, because the outbox keeps that."""
    return StreamConfig(
        name=stream,
        subjects=[f"{stream}.>"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_age=MAX_AGE_S,
        max_bytes=MAX_BYTES,
        max_msg_size=MAX_MESSAGE_BYTES,
    )


def consumer_config(stream: str, consumer: str, partition: int, ack_wait_s: float) -> ConsumerConfig:
    """One message at a time, until it is acknowledged: that keeps the order, through failures and over replicas."""
    return ConsumerConfig(
        durable_name=durable_name(consumer, partition),
        deliver_group=durable_name(consumer, partition),
        deliver_subject=f"deliver.{stream}.{durable_name(consumer, partition)}",  # All replicas mean the same one.
        filter_subject=subjects_of(stream, consumer, partition),
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait_s,
        max_ack_pending=1,
    )
