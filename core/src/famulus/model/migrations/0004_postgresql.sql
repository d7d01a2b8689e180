CREATE TABLE "listener_position" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "run_id" BIGINT NOT NULL REFERENCES "task_run" ("id"),
    "name" VARCHAR(255) NOT NULL,
    "event" BIGINT NOT NULL,
    "xact" BIGINT NOT NULL
);
CREATE UNIQUE INDEX "listener_position_once"
    ON "listener_position" ("run_id", "name");
