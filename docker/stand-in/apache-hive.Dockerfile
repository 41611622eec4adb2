# apache/hive's layout (docs/use/docker.md says where that was read) around the jars that Maven has.
FROM eclipse-temurin:17-jre-noble
RUN adduser --no-create-home --disabled-login --gecos "" --uid 1000 hive \
 && mkdir -p /opt/hive/lib /opt/hive/bin /opt/hive/conf /opt/hive/data/warehouse
COPY hive-jars /opt/hive/lib
COPY schematool-jars /opt/hive/lib-schematool
COPY hive-scripts /opt/hive/scripts
COPY hive-commands /opt/hive/bin
COPY entrypoint.sh /entrypoint.sh
RUN chown -R hive /opt/hive/conf /opt/hive/data
ENV HIVE_HOME=/opt/hive HIVE_VER=4.0.1 PATH=/opt/hive/bin:$PATH
USER hive
WORKDIR /opt/hive
ENTRYPOINT ["sh", "-c", "/entrypoint.sh"]
