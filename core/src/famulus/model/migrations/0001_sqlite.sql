CREATE TABLE "task" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "blueprint_type" VARCHAR(64) NOT NULL,
    "created_at" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "task_name"
    ON "task" ("name");
CREATE TABLE "requester" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "provider_type" VARCHAR(64) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "created_at" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "requester_name"
    ON "requester" ("provider_type", "name");
CREATE TABLE "worker" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "provider_type" VARCHAR(64) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "created_at" INTEGER NOT NULL,
    "blocked" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "worker_name"
    ON "worker" ("provider_type", "name");
CREATE TABLE "qualification" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(255) NOT NULL,
    "description" TEXT NOT NULL,
    "created_at" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "qualification_name"
    ON "qualification" ("name");
CREATE TABLE "granted_qualification" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "worker_id" INTEGER NOT NULL,
    "qualification_id" INTEGER NOT NULL,
    "value" INTEGER NOT NULL,
    "granted_at" INTEGER NOT NULL,
    FOREIGN KEY ("worker_id") REFERENCES "worker" ("id"),
    FOREIGN KEY ("qualification_id") REFERENCES "qualification" ("id")
);
CREATE UNIQUE INDEX "granted_once"
    ON "granted_qualification" ("worker_id", "qualification_id");
CREATE INDEX "granted_of"
    ON "granted_qualification" ("qualification_id");
CREATE TABLE "task_run" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "task_id" INTEGER NOT NULL,
    "requester_id" INTEGER NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "blueprint_type" VARCHAR(64) NOT NULL,
    "architect_type" VARCHAR(64) NOT NULL,
    "provider_type" VARCHAR(64) NOT NULL,
    "sandbox" INTEGER NOT NULL,
    "plan" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "created_at" INTEGER NOT NULL,
    "opened_at" INTEGER,
    "closes_at" INTEGER NOT NULL,
    "ended_at" INTEGER,
    "failure" TEXT NOT NULL,
    "reward" INTEGER NOT NULL,
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
    "rows_loaded" INTEGER NOT NULL,
    "source_hash" VARCHAR(64) NOT NULL,
    "next_position" INTEGER NOT NULL,
    "open_units" INTEGER NOT NULL,
    "lease_holder" VARCHAR(64) NOT NULL,
    "lease_until" INTEGER,
    "instance" VARCHAR(64) NOT NULL,
    "events_delivered" INTEGER NOT NULL,
    "transactions_delivered" INTEGER NOT NULL,
    FOREIGN KEY ("task_id") REFERENCES "task" ("id"),
    FOREIGN KEY ("requester_id") REFERENCES "requester" ("id")
);
CREATE INDEX "run_of_task"
    ON "task_run" ("task_id");
CREATE INDEX "run_status"
    ON "task_run" ("status");
CREATE TABLE "assignment" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "run_id" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "data" TEXT NOT NULL,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id")
);
CREATE UNIQUE INDEX "assignment_number"
    ON "assignment" ("run_id", "number");
CREATE TABLE "unit" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "run_id" INTEGER NOT NULL,
    "assignment_id" INTEGER NOT NULL,
    "lane" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "agent_id" INTEGER,
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
    "id" INTEGER NOT NULL PRIMARY KEY,
    "run_id" INTEGER NOT NULL,
    "worker_id" INTEGER NOT NULL,
    "reference" VARCHAR(255) NOT NULL,
    "accept" VARCHAR(255) NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "query" TEXT NOT NULL,
    "arrived_at" INTEGER NOT NULL,
    "done_at" INTEGER,
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
    "id" INTEGER NOT NULL PRIMARY KEY,
    "run_id" INTEGER NOT NULL,
    "worker_id" INTEGER NOT NULL,
    "visit_id" INTEGER NOT NULL,
    "assignment_id" INTEGER,
    "unit_id" INTEGER,
    "status" VARCHAR(16) NOT NULL,
    "started_at" INTEGER NOT NULL,
    "deadline" INTEGER NOT NULL,
    "ended_at" INTEGER,
    "submitted_at" INTEGER,
    "submission_id" VARCHAR(64),
    "late" INTEGER NOT NULL,
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
    "id" INTEGER NOT NULL PRIMARY KEY,
    "run_id" INTEGER NOT NULL,
    "worker_id" INTEGER NOT NULL,
    "task_id" INTEGER NOT NULL,
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
    "id" INTEGER NOT NULL PRIMARY KEY,
    "unit_id" INTEGER NOT NULL,
    "agent_id" INTEGER NOT NULL,
    "decision" VARCHAR(16) NOT NULL,
    "note" TEXT NOT NULL,
    "decided_at" INTEGER NOT NULL,
    "undone_at" INTEGER,
    FOREIGN KEY ("unit_id") REFERENCES "unit" ("id"),
    FOREIGN KEY ("agent_id") REFERENCES "agent" ("id")
);
CREATE INDEX "review_of_unit"
    ON "review" ("unit_id");
CREATE TABLE "payment" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "key" VARCHAR(128) NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "run_id" INTEGER NOT NULL,
    "worker_id" INTEGER NOT NULL,
    "visit_id" INTEGER,
    "unit_id" INTEGER,
    "amount" INTEGER NOT NULL,
    "currency" VARCHAR(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "created_at" INTEGER NOT NULL,
    "changed_at" INTEGER NOT NULL,
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
    "id" INTEGER NOT NULL PRIMARY KEY,
    "agent_id" INTEGER NOT NULL,
    "field" VARCHAR(255) NOT NULL,
    "filename" VARCHAR(255) NOT NULL,
    "content_type" VARCHAR(255) NOT NULL,
    "size" INTEGER NOT NULL,
    "sha256" VARCHAR(64) NOT NULL,
    "path" VARCHAR(255) NOT NULL,
    "created_at" INTEGER NOT NULL,
    FOREIGN KEY ("agent_id") REFERENCES "agent" ("id")
);
CREATE INDEX "upload_of_agent"
    ON "upload" ("agent_id");
CREATE TABLE "event" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "run_id" INTEGER,
    "at" INTEGER NOT NULL,
    "subject" VARCHAR(16) NOT NULL,
    "subject_id" INTEGER,
    "old" VARCHAR(16),
    "new" VARCHAR(16) NOT NULL,
    "cause" VARCHAR(64) NOT NULL,
    "count" INTEGER NOT NULL,
    "agent_id" INTEGER,
    "detail" TEXT,
    "xact" INTEGER NOT NULL,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id")
);
CREATE INDEX "event_of_run"
    ON "event" ("run_id", "xact", "id");
CREATE TABLE "outbox" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "run_id" INTEGER,
    "key" VARCHAR(128) NOT NULL,
    "kind" VARCHAR(32) NOT NULL,
    "payload" TEXT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "attempts" INTEGER NOT NULL,
    "next_attempt_at" INTEGER NOT NULL,
    "error" TEXT NOT NULL,
    "created_at" INTEGER NOT NULL,
    "done_at" INTEGER,
    FOREIGN KEY ("run_id") REFERENCES "task_run" ("id")
);
CREATE UNIQUE INDEX "outbox_key"
    ON "outbox" ("key");
CREATE INDEX "outbox_pending"
    ON "outbox" ("next_attempt_at")
    WHERE ("status" = 'pending');
