//! Makes admitted events durable and, by rule alone, makes them end.
