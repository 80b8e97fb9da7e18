"""MyProducer and MyConsumer: Pinion's client under the names that existing programs import.

    from myqueue import MyConsumer, MyProducer

They are ``pinion.Producer`` and ``pinion.Consumer``, with everything that those can do.
"""

from pinion import Consumer, Message, PinionError, Producer

__all__ = ["Message", "MyConsumer", "MyProducer", "PinionError"]


class MyProducer(Producer):
    __doc__ = Producer.__doc__


class MyConsumer(Consumer):
    __doc__ = Consumer.__doc__
