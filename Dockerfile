# Every Airflow service of docker-compose.yaml runs this image.
ARG AIRFLOW_IMAGE=apache/airflow:3.3.2
FROM ${AIRFLOW_IMAGE}

ENV PYTHONPATH=/opt/airflow/include \
    TZ=UTC

# A new named volume takes owner and mode from the folder that it covers.
USER root
RUN install -d -o airflow -g 0 -m 0750 /var/lib/vpn-registry /var/lib/vpn-registry/home \
    && install -d -o airflow -g 0 -m 0700 /var/lib/vpn-registry/keys /var/lib/vpn-registry/backups
USER airflow

WORKDIR /opt/airflow
COPY --chown=airflow:0 pyproject.toml requirements.txt requirements.lock ./
RUN pip install --no-cache-dir --requirement requirements.txt --constraint requirements.lock

COPY --chown=airflow:0 include include
COPY --chown=airflow:0 plugins plugins
COPY --chown=airflow:0 dags dags
RUN pip install --no-cache-dir --no-deps --editable .

# What runs can't be changed by who runs it: compiled once, then root's.
USER root
RUN python -m compileall -q dags include plugins \
    && chown -R root:0 dags include plugins pyproject.toml requirements.txt requirements.lock \
    && chmod -R go-w dags include plugins
USER airflow
