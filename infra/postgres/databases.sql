-- One server, a database for each that keeps something. The user is POSTGRES_USER.
CREATE DATABASE prefect;
CREATE DATABASE mlflow;
CREATE DATABASE mlflow_auth;
\connect prefect
CREATE EXTENSION IF NOT EXISTS pg_trgm;
