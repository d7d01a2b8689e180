CREATE TABLE "task" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "blueprint_type" VARCHAR(64) NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "task_name"
    ON "task" ("name");
CREATE TABLE "requester" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "provider_type" VARCHAR(64) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "requester_name"
    ON "requester" ("provider_type", "name");
CREATE TABLE "worker" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "provider_type" VARCHAR(64) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "created_at" BIGINT NOT NULL,
    "blocked" BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX "worker_name"
    ON "worker" ("provider_type", "name");
CREATE TABLE "qualification" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "description" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "qualification_name"
    ON "qualification" ("name");
CREATE TABLE "granted_qualification" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "worker_id" BIGINT NOT NULL,
    "qualification_id" BIGINT NOT NULL,
    "value" INTEGER NOT NULL,
    "granted_at" BIGINT NOT NULL,
    FOREIGN KEY ("worker_id") REFERENCES "worker" ("id"),
    FOREIGN KEY ("qualification_id") REFERENCES "qualification" ("id")
);
CREATE UNIQUE INDEX "granted_once"
    ON "granted_qualification" ("worker_id", "qualification_id");
CREATE INDEX "granted_of"
    ON "granted_qualification" ("qualification_id");
CREATE TABLE "task_run" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "task_id" BIGINT NOT NULL,
    "requester_id" BIGINT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "blueprint_type" VARCHAR(64) NOT NULL,
    "architect_type" VARCHAR(64) NOT NULL,
    "provider_type" VARCHAR(64) NOT NULL,
    "sandbox" BOOLEAN NOT NULL,
    "plan" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "opened_at" BIGINT,
    "closes_at" BIGINT NOT NULL,
    "ended_at" BIGINT,
    "failure" TEXT NOT NULL,
    "reward" BIGINT NOT NULL,
    "currency" VARCHAR(3) NOT NULL,
    "units_per_assignment" INTEGER NOT NULL,
    "assignment_duration_in_seconds" INTEGER NOT NULL,
    "submission_timeout" INTEGER NOT NULL,
    "no_submission_patience" INTEGER NOT NULL,
    "allowed_concurrent" INTEGER NOT NULL,
    "maximum_units_per_worker" INTEGER NOT NULL,
    "max_num_concurrent_units" INTEGER NOT NULL,
    "loading" VARCHAR(16) NOT NULL,
    "loading_error" TEXT NOT NULL,
    "rows_loaded" BIGINT NOT NULL,
    "source_hash" VARCHAR(64) NOT NULL,
    "next_position" BIGINT NOT NULL,
    "open_units" BIGINT NOT NULL,
    "lease_holder" VARCHAR(64) NOT NULL,
    "lease_until" BIGINT,
    "instance" VARCHAR(64) NOT NULL,
    "events_delivered" BIGINT NOT NULL,
    "transactions_delivered" BIGINT NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id"),
    FOREIGN KEY ("requester_id") REFERENCES "requester" ("id")
);
CREATE INDEX "run_of_task"
    ON "task_run" ("task_id");
CREATE INDEX "run_status"
    ON "task_run" ("status");
CREATE TABLE "assignment" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" BIGINT NOT NULL,
    "number" BIGINT NOT NULL,
    "data" TEXT NOT NULL,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id")
);
CREATE UNIQUE INDEX "assignment_number"
    ON "assignment" ("run_id", "number");
CREATE TABLE "unit" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" BIGINT NOT NULL,
    "assignment_id" BIGINT NOT NULL,
    "lane" INTEGER NOT NULL,
    "position" BIGINT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "agent_id" BIGINT,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id"),
    FOREIGN KEY ("assignment_id") REFERENCES "assignment" ("id")
);
CREATE UNIQUE INDEX "unit_lane"
    ON "unit" ("assignment_id", "lane");
CREATE INDEX "unit_status"
    ON "unit" ("run_id", "status");
CREATE INDEX "unit_free"
    ON "unit" ("run_id", "lane", "position")
    WHERE ("status" = 'launched');
CREATE INDEX "unit_waiting"
    ON "unit" ("run_id", "lane", "position")
    WHERE ("status" = 'created');
CREATE TABLE "visit" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" BIGINT NOT NULL,
    "worker_id" BIGINT NOT NULL,
    "reference" VARCHAR(255) NOT NULL,
    "accept" VARCHAR(255) NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "query" TEXT NOT NULL,
    "arrived_at" BIGINT NOT NULL,
    "done_at" BIGINT,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id"),
    FOREIGN KEY ("worker_id") REFERENCES "worker" ("id")
);
CREATE UNIQUE INDEX "visit_open"
    ON "visit" ("run_id", "reference", "worker_id")
    WHERE ("status" IN ('arrived', 'accepted'));
CREATE INDEX "visit_reference"
    ON "visit" ("run_id", "reference", "worker_id");
CREATE INDEX "visit_unreported"
    ON "visit" ("run_id", "done_at")
    WHERE (("status" = 'accepted') AND ("done_at" IS NOT NULL));
CREATE TABLE "agent" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" BIGINT NOT NULL,
    "worker_id" BIGINT NOT NULL,
    "visit_id" BIGINT NOT NULL,
    "assignment_id" BIGINT,
    "unit_id" BIGINT,
    "status" VARCHAR(16) NOT NULL,
    "started_at" BIGINT NOT NULL,
    "deadline" BIGINT NOT NULL,
    "ended_at" BIGINT,
    "submitted_at" BIGINT,
    "submission_id" VARCHAR(64),
    "late" BOOLEAN NOT NULL,
    "answers" TEXT,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id"),
    FOREIGN KEY ("worker_id") REFERENCES "worker" ("id"),
    FOREIGN KEY ("visit_id") REFERENCES "visit" ("id"),
    FOREIGN KEY ("assignment_id") REFERENCES "assignment" ("id"),
    FOREIGN KEY ("unit_id") REFERENCES "unit" ("id")
);
CREATE UNIQUE INDEX "agent_once_an_assignment"
    ON "agent" ("assignment_id", "worker_id")
    WHERE (("status" != 'returned') AND ("assignment_id" IS NOT NULL));
CREATE UNIQUE INDEX "agent_holds_unit"
    ON "agent" ("unit_id")
    WHERE ("status" = 'in_task');
CREATE UNIQUE INDEX "agent_onboards_once"
    ON "agent" ("run_id", "worker_id")
    WHERE ("status" = 'onboarding');
CREATE INDEX "agent_deadline"
    ON "agent" ("run_id", "deadline")
    WHERE ("status" IN ('onboarding', 'in_task'));
CREATE INDEX "agent_of_visit"
    ON "agent" ("visit_id");
CREATE INDEX "agent_of_unit"
    ON "agent" ("unit_id");
CREATE INDEX "agent_of_worker"
    ON "agent" ("worker_id", "run_id");
CREATE INDEX "agent_submitted"
    ON "agent" ("run_id", "submitted_at")
    WHERE ("submitted_at" IS NOT NULL);
CREATE TABLE "participation" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" BIGINT NOT NULL,
    "worker_id" BIGINT NOT NULL,
    "task_id" BIGINT NOT NULL,
    "open_units" INTEGER NOT NULL,
    "done_units" INTEGER NOT NULL,
    "assignments" INTEGER NOT NULL,
    "marks" TEXT NOT NULL,
    "cursor" TEXT,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id"),
    FOREIGN KEY ("worker_id") REFERENCES "worker" ("id"),
    FOREIGN KEY ("task_id") REFERENCES "task" ("id")
);
CREATE UNIQUE INDEX "participation_once"
    ON "participation" ("run_id", "worker_id");
CREATE INDEX "participation_in_task"
    ON "participation" ("worker_id", "task_id");
CREATE TABLE "review" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "unit_id" BIGINT NOT NULL,
    "agent_id" BIGINT NOT NULL,
    "decision" VARCHAR(16) NOT NULL,
    "note" TEXT NOT NULL,
    "decided_at" BIGINT NOT NULL,
    "undone_at" BIGINT,
    FOREIGN KEY ("unit_id") REFERENCES "unit" ("id"),
    FOREIGN KEY ("agent_id") REFERENCES "agent" ("id")
);
CREATE INDEX "review_of_unit"
    ON "review" ("unit_id");
CREATE TABLE "payment" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "key" VARCHAR(128) NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "run_id" BIGINT NOT NULL,
    "worker_id" BIGINT NOT NULL,
    "visit_id" BIGINT,
    "unit_id" BIGINT,
    "amount" BIGINT NOT NULL,
    "currency" VARCHAR(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "created_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id"),
    FOREIGN KEY ("worker_id") REFERENCES "worker" ("id"),
    FOREIGN KEY ("visit_id") REFERENCES "visit" ("id"),
    FOREIGN KEY ("unit_id") REFERENCES "unit" ("id")
);
CREATE UNIQUE INDEX "payment_key"
    ON "payment" ("key");
CREATE INDEX "payment_of_run"
    ON "payment" ("run_id", "status");
CREATE TABLE "upload" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "agent_id" BIGINT NOT NULL,
    "field" VARCHAR(255) NOT NULL,
    "filename" VARCHAR(255) NOT NULL,
    "content_type" VARCHAR(255) NOT NULL,
    "size" BIGINT NOT NULL,
    "sha256" VARCHAR(64) NOT NULL,
    "path" VARCHAR(255) NOT NULL,
    "created_at" BIGINT NOT NULL,
    FOREIGN KEY ("agent_id") REFERENCES "agent" ("id")
);
CREATE INDEX "upload_of_agent"
    ON "upload" ("agent_id");
CREATE TABLE "event" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" BIGINT,
    "at" BIGINT NOT NULL,
    "subject" VARCHAR(16) NOT NULL,
    "subject_id" BIGINT,
    "old" VARCHAR(16),
    "new" VARCHAR(16) NOT NULL,
    "cause" VARCHAR(64) NOT NULL,
    "count" BIGINT NOT NULL,
    "agent_id" BIGINT,
    "detail" TEXT,
    "xact" BIGINT NOT NULL,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id")
);
CREATE INDEX "event_of_run"
    ON "event" ("run_id", "xact", "id");
CREATE TABLE "outbox" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" BIGINT,
    "key" VARCHAR(128) NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "payload" TEXT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "attempts" INTEGER NOT NULL,
    "next_attempt_at" BIGINT NOT NULL,
    "error" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "done_at" BIGINT,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id")
);
CREATE UNIQUE INDEX "outbox_key"
    ON "outbox" ("key");
CREATE INDEX "outbox_pending"
    ON "outbox" ("next_attempt_at")
    WHERE ("status" = 'pending');
