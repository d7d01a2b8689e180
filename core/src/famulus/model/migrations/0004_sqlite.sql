CREATE TABLE "listener_position" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "run_id" INTEGER NOT NULL REFERENCES "task_run" ("id"),
    "name" VARCHAR(255) NOT NULL,
    "event" INTEGER NOT NULL,
    "xact" INTEGER NOT NULL
);
CREATE UNIQUE INDEX "listener_position_once"
    ON "listener_position" ("run_id", "name");
