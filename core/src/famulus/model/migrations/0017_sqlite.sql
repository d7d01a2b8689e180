CREATE INDEX "payment_of_worker" ON "payment" ("worker_id", "run_id");
