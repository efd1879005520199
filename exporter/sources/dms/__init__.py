"""What DMS (Kafka, RabbitMQ, RocketMQ) says."""
