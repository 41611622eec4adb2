# apache/hadoop's layout (docs/use/docker.md says where that was read) around the jars that Maven has.
FROM eclipse-temurin:17-jre-noble
RUN useradd --uid 1000 --gid 100 --home-dir /opt/hadoop hadoop \
 && mkdir -p /opt/hadoop/bin /opt/hadoop/etc/hadoop /opt/hadoop/share/hadoop /data \
 && apt-get update && apt-get install --yes --no-install-recommends sudo && rm -rf /var/lib/apt/lists/* \
 && echo "hadoop ALL=(ALL) NOPASSWD: ALL" >>/etc/sudoers
COPY hadoop-jars /opt/hadoop/share/hadoop
COPY hdfs /opt/hadoop/bin/hdfs
COPY starter.sh /opt/starter.sh
RUN printf 'log4j.rootLogger=INFO,console\nlog4j.appender.console=org.apache.log4j.ConsoleAppender\nlog4j.appender.console.target=System.err\nlog4j.appender.console.layout=org.apache.log4j.PatternLayout\nlog4j.appender.console.layout.ConversionPattern=%%d %%p %%c{2}: %%m%%n\n' >/opt/hadoop/etc/hadoop/log4j.properties \
 && chown -R hadoop /opt/hadoop/etc
ENV HADOOP_CONF_DIR=/opt/hadoop/etc/hadoop PATH=/opt/hadoop/bin:$PATH
WORKDIR /opt/hadoop
VOLUME /data
USER hadoop
ENTRYPOINT ["/opt/starter.sh"]
